import { checkEndpointAddress, type AddressRules } from '../../endpoint-address.ts';
import { isNamed, namesOf } from '../../endpoint-list.ts';
import { redact, toLine, type Secrets } from '../../http/redaction.ts';
import type { Check, Finding } from '../check.ts';
import { serviceAdvice } from '../explain-failure.ts';
import type { ListedService } from '../patient.ts';
import type { ConnectionCheckDetail } from '../report.ts';

const scepService = 'ScepRequestValidationFEService';
const pkiConnector = 'PkiConnectorFEService';
/** Graph lists some dozens; a report must stay readable whatever is listed. */
const mostListed = 200;
const mostNamed = 50;
const longestName = 200;

/** Where does Microsoft Graph say that the tenant's Intune is? */
export const discoveryCheck: Check = {
  name: 'discovery',
  title: 'Discovery of Intune',
  needs: ['roles.graph'],
  run: async (patient, call) => {
    const listed = await patient.services.locator.list(call);
    const secrets = { tokens: Object.values(patient.learnt.tokens ?? {}) };
    const services = listed.map((endpoint) => toService(endpoint, patient.options, secrets));
    patient.learnt.services = services;
    const usable = services.find(({ name, address }) => isNamed(name, scepService) && 'url' in address)?.address;
    if (usable !== undefined && 'url' in usable) {
      patient.learnt.scepService = usable.url;
    }
    return judgeServices(services);
  },
};

/** Can revocation requests be fetched? They come from a service of their own. */
export const pkiConnectorCheck: Check = {
  name: 'pkiConnector',
  title: 'Revocation service',
  needs: ['discovery'],
  run: ({ learnt }) => judgePkiConnector(learnt.services ?? []),
};

/** Under the name by which the client would find it, else under the first. */
function toService(endpoint: Record<string, unknown>, rules: AddressRules, secrets: Secrets): ListedService {
  const names = namesOf(endpoint);
  const known = names.find((name) => isNamed(name, scepService) || isNamed(name, pkiConnector));
  const name = toLine(redact((known ?? names[0] ?? '').slice(0, 10 * longestName), secrets), longestName);
  return { name, address: checkEndpointAddress(endpoint['uri'], rules) };
}

/** What Graph's list says about the service that validates requests. */
export function judgeServices(services: readonly ListedService[]): Finding {
  const found = services.filter(({ name }) => isNamed(name, scepService));
  const usable = found.filter(({ address }) => 'url' in address);
  const details = { services: services.slice(0, mostListed).map(toDetail) };
  const listed = `Microsoft Graph lists ${count(services.length, 'service')} of Intune`;
  if (found.length === 0) {
    const names = some(services.map(({ name }) => name)).join(', ');
    const saw = `${listed}${names === '' ? '' : ` (${names})`}, and no ${scepService}.`;
    return { state: 'failed', saw, advice: serviceAdvice.licence, details };
  }
  const refusals = found.flatMap(({ address }) => ('problem' in address ? [address.problem] : []));
  if (usable.length === 0) {
    const saw = `${listed}. The address of ${scepService} is refused: ${some(refusals).join('; ')}.`;
    return { state: 'failed', saw, advice: serviceAdvice.address, details };
  }
  const urls = usable.flatMap(({ address }) => ('url' in address ? [address.url] : []));
  const hosts = some(urls.map(({ host }) => host));
  const places = new Set(urls.map(({ href }) => href)).size;
  const saw = `${listed}; ${scepService} is at ${hosts.join(' and ')}`;
  if (refusals.length > 0) {
    const problems = some(refusals).join('; ');
    return {
      state: 'warning',
      saw: `${saw}. A further address is refused: ${problems}.`,
      advice: serviceAdvice.address,
      details,
    };
  }
  return {
    state: 'ok',
    saw: places === 1 ? `${saw}.` : `${saw}, under ${places} addresses that are tried in turn.`,
    details,
  };
}

/** What the same list says about the service that hands out revocation requests. */
export function judgePkiConnector(services: readonly ListedService[]): Finding {
  const found = services.filter(({ name }) => isNamed(name, pkiConnector));
  const host = found.flatMap(({ address }) => ('url' in address ? [address.url.host] : []))[0];
  if (host !== undefined) {
    return { state: 'ok', saw: `${pkiConnector} is at ${host}.`, details: { host } };
  }
  const refusal = found.flatMap(({ address }) => ('problem' in address ? [address.problem] : []))[0];
  return {
    state: 'warning',
    saw:
      refusal === undefined ? `There is no ${pkiConnector}.` : `The address of ${pkiConnector} is refused: ${refusal}.`,
    advice: 'Certificates can be issued; requests of Intune to revoke them cannot be fetched.',
  };
}

/** Each once, as many as a sentence can bear. */
function some(texts: readonly string[]): string[] {
  return [...new Set(texts)].slice(0, mostNamed);
}

function toDetail({ name, address }: ListedService): ConnectionCheckDetail {
  return 'url' in address ? { name, host: address.url.host } : { name, problem: address.problem };
}

function count(number: number, thing: string): string {
  return `${number === 0 ? 'no' : number} ${thing}${number === 1 ? '' : 's'}`;
}
