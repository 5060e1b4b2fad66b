import type { Call } from '../../call.ts';
import type { CheckedProxy } from '../../http/connection-options.ts';
import { proxyAddress, ProxyError } from '../../http/tunnel.ts';
import type { Check, Finding } from '../check.ts';
import { openTunnel } from '../open-tunnel.ts';
import { signsInAtAuthority, type Patient } from '../patient.ts';

/** Does the proxy let connections through? */
export const proxyCheck: Check = {
  name: 'proxy',
  title: 'Proxy',
  needs: [],
  run: async (patient, call) => {
    const { proxy, dispatcher } = patient.options.connection;
    if (proxy === undefined) {
      const saw =
        dispatcher === undefined ? 'No proxy is configured.' : "Connections are the given dispatcher's affair.";
      return { state: 'skipped', saw };
    }
    return tryProxy(proxy, patient, call);
  },
};

async function tryProxy(proxy: CheckedProxy, { options }: Patient, call: Call): Promise<Finding> {
  const target = signsInAtAuthority(options) ? options.authority : options.graphUrl;
  const name = proxyAddress(proxy);
  const details = { proxy: name, withPassword: proxy.authorization !== undefined, target: target.host };
  try {
    const socket = await openTunnel(options.connection, target, options.timeoutMs, call);
    socket?.on('error', () => {}).destroy();
    return { state: 'ok', saw: `${name} opens a connection to ${target.host}.`, details };
  } catch (error) {
    call.signal.throwIfAborted();
    if (!(error instanceof ProxyError)) {
      throw error;
    }
    const { status, message, cause } = error;
    const reason = cause instanceof Error ? ` (${cause.message})` : '';
    return {
      state: 'failed',
      saw: `${message}${reason}.`,
      advice: adviceOn(status, proxy.authorization !== undefined),
      details: { ...details, ...(status === undefined ? {} : { status }) },
    };
  }
}

function adviceOn(status: number | undefined, withPassword: boolean): string {
  switch (status) {
    case undefined:
      return "Check the proxy's host name, port and protocol, and that this machine may speak to it.";
    case 407:
      return withPassword
        ? 'The proxy does not take this user name and password: compare them with its records. It must offer basic authentication; NTLM and Kerberos are not supported.'
        : 'The proxy wants a user name and a password: configure them, or let this machine through without.';
    case 403:
      return 'Let the proxy connect to this host and port; its log says which rule refused.';
    default:
      return 'The proxy did not reach the host: look at its log, and whether it may resolve the name and connect to it.';
  }
}
