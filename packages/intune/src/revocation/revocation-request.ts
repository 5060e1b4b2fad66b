import { isObject } from '../http/error-detail.ts';

/** A certificate that Intune wants revoked. */
export interface RevocationRequest {
  /** Names the request when its result is uploaded; opaque. */
  readonly requestContext: string;
  /** As it was once reported to Intune, in whatever notation; see `matchRevocationRequests`. */
  readonly serialNumber: string;
  /** The CA as Intune was told; empty when Intune names none. */
  readonly issuerName: string;
  /** As Intune was told; empty when Intune names none. */
  readonly caConfiguration: string;
}

/** An entry of Intune's answer that is no revocation request. */
export interface UnreadableRevocationRequest {
  /** Absent when it could not be read or belongs to another entry: then nobody can answer the request. */
  readonly requestContext?: string;
  /** What is wrong with it. */
  readonly problem: string;
}

export interface ReadRevocationRequests {
  readonly requests: RevocationRequest[];
  readonly unreadable: UnreadableRevocationRequest[];
}

/** Far above what any has been seen to be; Intune's own limits are 256 for the names. */
const longest = { requestContext: 16_384, serialNumber: 256, issuerName: 4096, caConfiguration: 4096 };

/** As many as a download can have: more of what nobody can answer tells nothing more. */
const mostUnanswerable = 500;

/**
 * Reads the entries of Intune's answer one by one, so that an unusable one costs none of the others. An exact copy of
 * an earlier entry is left out.
 */
export function readRevocationRequests(entries: readonly unknown[]): ReadRevocationRequests {
  const requests = new Map<string, RevocationRequest>();
  const unreadable: UnreadableRevocationRequest[] = [];
  const report = (entry: UnreadableRevocationRequest): void => {
    if (entry.requestContext !== undefined || unreadable.length < mostUnanswerable) {
      unreadable.push(entry);
    }
  };
  for (const entry of entries) {
    const read = readRequest(entry);
    if ('problem' in read) {
      report(read);
      continue;
    }
    const earlier = requests.get(read.requestContext);
    if (earlier === undefined) {
      requests.set(read.requestContext, read);
    } else if (!isCopy(read, earlier)) {
      report({ problem: 'its requestContext is that of another request' });
    }
  }
  return { requests: [...requests.values()], unreadable: withoutAnswered(unreadable, requests) };
}

function readRequest(entry: unknown): RevocationRequest | UnreadableRevocationRequest {
  if (!isObject(entry)) {
    return { problem: 'it is not an object' };
  }
  const requestContext = readText(entry, 'requestContext');
  if (requestContext === undefined || requestContext === '') {
    return { problem: 'it has no usable requestContext' };
  }
  const serialNumber = readText(entry, 'serialNumber');
  if (serialNumber === undefined || serialNumber === '') {
    return { requestContext, problem: 'it has no usable serialNumber' };
  }
  const issuerName = readText(entry, 'issuerName');
  const caConfiguration = readText(entry, 'caConfiguration');
  if (issuerName === undefined || caConfiguration === undefined) {
    return { requestContext, problem: 'its issuerName or caConfiguration is not usable' };
  }
  return { requestContext, serialNumber, issuerName, caConfiguration };
}

/** The text of a member; empty when it is absent or null, `undefined` when it is anything else. */
function readText(entry: Record<string, unknown>, member: keyof RevocationRequest): string | undefined {
  const value = entry[member] ?? '';
  return typeof value === 'string' && value.length <= longest[member] && value.isWellFormed() ? value : undefined;
}

function isCopy(one: RevocationRequest, other: RevocationRequest): boolean {
  return (
    one.serialNumber === other.serialNumber &&
    one.issuerName === other.issuerName &&
    one.caConfiguration === other.caConfiguration
  );
}

/** A context is answered once: what another entry with the same context is about must not be answered beside it. */
function withoutAnswered(
  unreadable: readonly UnreadableRevocationRequest[],
  requests: ReadonlyMap<string, RevocationRequest>,
): UnreadableRevocationRequest[] {
  const answered = new Set(requests.keys());
  return unreadable.map((each) => {
    const { requestContext, problem } = each;
    if (requestContext === undefined) {
      return each;
    }
    if (answered.has(requestContext)) {
      return { problem };
    }
    answered.add(requestContext);
    return each;
  });
}
