type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The object without the members that are `undefined`, so that they don't hide a default or an earlier value. */
export function definedMembers<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
