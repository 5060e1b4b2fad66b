import { checkObject } from '../arguments.ts';
import { IntuneArgumentError } from '../errors.ts';
import { intuneProperties, type IntunePropertyName } from './intune-properties.ts';
import type { Properties } from './parse-properties.ts';

/** Reads properties one by one, and names them in errors. No error shows a value. */
export class PropertyReader {
  readonly #properties: Properties;
  /** The property that an option was read from. */
  readonly #read = new Map<string, string>();

  constructor(properties: Properties) {
    this.#properties = checkObject('properties', properties);
  }

  /** Whether the property has a value other than blanks. */
  has(name: IntunePropertyName): boolean {
    return this.#value(name).trim() !== '';
  }

  /** The value without blanks around it; `undefined` when there is none. */
  text(name: IntunePropertyName): string | undefined {
    const value = this.#value(name).trim();
    if (/^(["']).*\1$/s.test(value)) {
      throw new IntuneArgumentError(name, 'must have no quotation marks around it');
    }
    return value === '' ? undefined : value;
  }

  /** @param circumstance when the property is required, as in `with PROXY_HOST` */
  required(name: IntunePropertyName, circumstance = ''): string {
    return this.text(name) ?? this.#missing(name, circumstance);
  }

  /** The value as it is: blanks and quotation marks may belong to it. `undefined` when it is empty. */
  exact(name: IntunePropertyName): string | undefined {
    const value = this.#value(name);
    return value === '' ? undefined : value;
  }

  requiredExact(name: IntunePropertyName, circumstance = ''): string {
    return this.exact(name) ?? this.#missing(name, circumstance);
  }

  /**
   * Runs a check of options; an error about an option that is a property's names the property instead.
   * @param given the options that are no property's
   */
  naming<T>(given: object, check: () => T): T {
    try {
      return check();
    } catch (error) {
      const isRead = error instanceof IntuneArgumentError && !Object.hasOwn(given, error.argument.split('.')[0] ?? '');
      throw isRead ? this.#renamed(error) : error;
    }
  }

  #value(name: IntunePropertyName): string {
    const value: unknown = this.#properties[name] ?? '';
    if (typeof value !== 'string') {
      throw new IntuneArgumentError(name, 'must be a string');
    }
    const option = optionOf(name);
    if (value !== '' && option !== undefined) {
      this.#read.set(option, name);
    }
    return value;
  }

  #missing(name: IntunePropertyName, circumstance: string): never {
    throw new IntuneArgumentError(name, `is required${circumstance === '' ? '' : ` ${circumstance}`}`);
  }

  #renamed(error: IntuneArgumentError): IntuneArgumentError {
    const name = this.#nameOf(error.argument);
    const problem = error.message.slice(`${error.argument}: `.length);
    return name === undefined ? error : new IntuneArgumentError(name, problem, { cause: error });
  }

  /** Of the option itself, or of the one that it is part of. */
  #nameOf(option: string): string | undefined {
    const parent = option.includes('.') ? option.slice(0, option.lastIndexOf('.')) : undefined;
    const known = intuneProperties.find((property) => property.option === option);
    return this.#read.get(option) ?? known?.name ?? (parent === undefined ? undefined : this.#nameOf(parent));
  }
}

function optionOf(name: IntunePropertyName): string | undefined {
  return intuneProperties.find((property) => property.name === name)?.option;
}
