import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import { formatGeneralName, formatName, thumbprint } from '@scepter/x509';
import { CommandError, usageError } from '../command-error.ts';
import { enroll } from '../enroll/enroll.ts';
import type { Enrolled, EnrollmentPlan } from '../enroll/enroll.ts';
import { alternativeNamesOf, readIdentity } from '../enroll/identity.ts';
import {
  ciphers,
  digests,
  keyKinds,
  parseAlternativeName,
  parseFingerprint,
  parseServerUrl,
  parseSubject,
  parseWait,
} from '../enroll/options.ts';
import { planOutputFiles } from '../enroll/output-files.ts';
import type { OutputFiles } from '../enroll/output-files.ts';
import { readTextFile } from '../files.ts';
import type { Screen } from '../screen.ts';
import type { World } from '../world.ts';

interface EnrollOptions {
  readonly url: string;
  readonly subject?: string;
  readonly san?: readonly string[];
  readonly challenge?: string;
  readonly challengeFile?: string;
  readonly key: keyof typeof keyKinds;
  readonly wait?: string;
  readonly resume?: true;
  readonly out: string;
  readonly force?: true;
  readonly renew?: readonly string[];
  readonly digest?: (typeof digests)[number];
  readonly cipher?: keyof typeof ciphers;
  readonly get?: true;
  readonly oaep?: true;
  readonly caFingerprint?: string;
  readonly json?: true;
}

const examples = `
Writes <prefix>.key (private key, readable by you alone), <prefix>.pem (the
certificate) and <prefix>-chain.pem (the certificate and its issuers). It works
with any SCEP server (RFC 8894), not only with Scepter.

Give the fingerprint of the CA certificate, as its administrator told you, with
--ca-fingerprint: without it anybody on the way can answer in the CA's place.
The root's fingerprint stays right when one issuing CA follows another.

With an EC key the server encrypts its answer under the challenge: give one of
16 characters or more, also where the server asks for none.

Exit codes:
  0  the certificate is there  2  asked wrongly
  1  refused or failed         3  it waits for approval: come back with --resume

Examples:
  A challenge kept out of the process list and the shell's history:
    $ scepter enroll --url http://ca.example/scep/static \\
        --subject CN=printer-7,O=Contoso --san DNS:printer-7.example \\
        --challenge-file challenge.txt --out printer-7

  The challenge from standard input, with a server that speaks only GET:
    $ pass ca/challenge | scepter enroll --url http://ca.example/scep \\
        --subject CN=router-1 --challenge-file - --get

  An endpoint where a person approves: ask, and come back for the answer:
    $ scepter enroll --url http://ca.example/scep/manual --subject CN=server-1
    $ scepter enroll --url http://ca.example/scep/manual --resume

  Renew before it expires, with a new key:
    $ scepter enroll --url http://ca.example/scep/static \\
        --renew printer-7.pem printer-7.key --out printer-7-new`;

/** `scepter enroll`: a SCEP client for any server. */
export function enrollCommand(world: World, screen: Screen): Command {
  return new Command('enroll')
    .summary('get a certificate from any SCEP server')
    .description('Makes a key, asks a SCEP server for a certificate, and writes both.')
    .requiredOption('--url <url>', "the server's SCEP URL")
    .option('--subject <name>', 'subject, such as CN=printer-7,O=Contoso')
    .option('--san <name>', 'alternative name, DNS:… email:… UPN:… URI:… or IP:…; may be repeated', collect)
    .option('--challenge-file <path>', 'file with the challenge password; - reads standard input (preferred)')
    .option('--challenge <text>', 'challenge password; other users can see it in the process list')
    .addOption(new Option('--key <kind>', 'kind of key').choices(Object.keys(keyKinds)).default('rsa2048'))
    .option('--out <prefix>', 'prefix of the files to write', 'scepter-device')
    .option('--force', 'overwrite files that are there')
    .option('--renew <certificate-and-key...>', 'renew: the current certificate and its key, two PEM files')
    .option('--wait <minutes>', 'wait so long for somebody to approve the request')
    .option('--resume', 'ask for the outcome of a request that waits for approval')
    .addOption(new Option('--digest <name>', 'digest (default: the best the server names)').choices(digests))
    .addOption(
      new Option('--cipher <name>', 'cipher (default: AES if the server names it)').choices(Object.keys(ciphers)),
    )
    .option('--get', 'send the request by GET, for servers without POST')
    .option('--oaep', 'encrypt to the server with RSA-OAEP, as Windows does')
    .option('--ca-fingerprint <sha256>', 'SHA-256 fingerprint the CA certificate must have')
    .option('--json', 'print the result as JSON')
    .addHelpText('after', examples)
    .action(async (options: EnrollOptions) => {
      const plan = await planEnrollment(options, world);
      const enrolled = await enroll(plan, world);
      if (!enrolled.caPinned) warnUnpinned(enrolled, screen);
      if (options.json) screen.out.raw(JSON.stringify(asJson(enrolled, plan.files), undefined, 2));
      else printResult(enrolled, plan.files, screen);
    });
}

function collect(value: string, previous: readonly string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

async function planEnrollment(options: EnrollOptions, world: World): Promise<EnrollmentPlan> {
  if (options.subject === undefined && options.renew === undefined && options.resume === undefined) {
    throw usageError('A subject is needed.', 'Add --subject CN=…, or --renew to keep the names of a certificate.');
  }
  const [certificatePath, keyPath, ...others] = options.renew ?? [];
  if (options.renew !== undefined && (keyPath === undefined || others.length > 0)) {
    throw usageError('--renew takes two files.', 'Give the certificate first, then its key: --renew a.pem a.key');
  }
  const path = (name: string): string => resolve(world.workingFolder, name);
  return {
    url: parseServerUrl(options.url),
    subject: options.subject === undefined ? undefined : parseSubject(options.subject),
    alternativeNames: (options.san ?? []).map(parseAlternativeName),
    caFingerprint: options.caFingerprint === undefined ? undefined : parseFingerprint(options.caFingerprint),
    key: keyKinds[options.key],
    waitMs: options.wait === undefined ? 0 : parseWait(options.wait),
    resume: options.resume === true,
    digest: options.digest,
    contentCipher: options.cipher === undefined ? undefined : ciphers[options.cipher],
    getOnly: options.get === true,
    oaep: options.oaep === true,
    files: await planOutputFiles(options.out, world.workingFolder, {
      force: options.force === true,
      resume: options.resume === true,
    }),
    renew:
      certificatePath === undefined || keyPath === undefined
        ? undefined
        : await readIdentity(path(certificatePath), path(keyPath)),
    challenge: await readChallenge(options, world),
  };
}

async function readChallenge(options: EnrollOptions, world: World): Promise<string | undefined> {
  const { challenge, challengeFile } = options;
  if (challenge !== undefined && challengeFile !== undefined) {
    throw usageError('--challenge and --challenge-file exclude each other.');
  }
  if (challengeFile === undefined) return challenge;
  const path = resolve(world.workingFolder, challengeFile);
  const text = challengeFile === '-' ? await world.readStdin() : await readTextFile(path);
  if (text === undefined) throw new CommandError(`There is no file ${path}.`);
  const read = text.replace(/\r?\n$/u, '');
  if (read === '') throw new CommandError('The challenge is empty.');
  return read;
}

function warnUnpinned({ ca }: Enrolled, { err }: Screen): void {
  err.text('Warning: the CA was not pinned, so whoever answered was believed. Compare its SHA-256 fingerprint,', {
    tone: 'warning',
  });
  err.text(thumbprint(ca.encoded, 'sha256'), { indent: 2 });
  err.text('with what its administrator says, and give it with --ca-fingerprint.', { tone: 'warning' });
}

function printResult({ certificate, issuers }: Enrolled, files: OutputFiles, { out }: Screen): void {
  const names = alternativeNamesOf(certificate).map(formatGeneralName);
  const fields: [string, string][] = [
    ['Subject', formatName(certificate.subject)],
    ...names.map((name): [string, string] => ['Alternative name', name]),
    ['Issuer', formatName(certificate.issuer)],
    ['Serial number', certificate.serialHex],
    ['Valid from', certificate.notBefore.toISOString()],
    ['Valid until', certificate.notAfter.toISOString()],
    ['Thumbprint', thumbprint(certificate.encoded, 'sha1')],
    ['Key', files.key],
    ['Certificate', files.certificate],
    ['Chain', `${files.chain} (${issuers.length + 1} certificates)`],
  ];
  for (const [label, value] of fields) out.text(`${label.padEnd(17)} ${value}`, { hanging: 18 });
}

function asJson({ certificate, transactionId, ca, caPinned }: Enrolled, files: OutputFiles) {
  return {
    subject: formatName(certificate.subject),
    alternativeNames: alternativeNamesOf(certificate).map(formatGeneralName),
    issuer: formatName(certificate.issuer),
    serialNumber: certificate.serialHex,
    notBefore: certificate.notBefore.toISOString(),
    notAfter: certificate.notAfter.toISOString(),
    sha1Thumbprint: thumbprint(certificate.encoded, 'sha1'),
    sha256Thumbprint: thumbprint(certificate.encoded, 'sha256'),
    transactionId,
    caFingerprint: thumbprint(ca.encoded, 'sha256'),
    caPinned,
    files,
  };
}
