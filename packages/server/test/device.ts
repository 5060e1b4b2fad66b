/** A device that speaks SCEP through `@scepter/scep`, with a hand on every part of its messages. */
import { createPkiRequest, decodeCertsOnly, readCertRep } from '@scepter/scep';
import type { CertRep, ContentCipher, KeyTransport } from '@scepter/scep';
import {
  createCertificationRequest,
  createSelfSignedCertificate,
  decodeCertificate,
  parseName,
  subjectAltNameExtension,
} from '@scepter/x509';
import type { Certificate, DigestName, Extension, GeneralName, RequestAttribute } from '@scepter/x509';
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import type { KeyObject } from 'node:crypto';

export interface DeviceKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function newKeys(modulusLength = 2048): DeviceKeys {
  return generateKeyPairSync('rsa', { modulusLength });
}

export interface RequestOptions {
  readonly subject?: string;
  readonly subjectAltNames?: readonly GeneralName[];
  readonly extensions?: readonly Extension[];
  readonly challenge?: string;
  readonly attributes?: readonly RequestAttribute[];
}

/** A certification request, made once: sent again it is the same request. */
export function certificationRequest(keys: DeviceKeys, options: RequestOptions = {}): Uint8Array {
  return createCertificationRequest({
    subject: parseName(options.subject ?? 'CN=device'),
    ...keys,
    extensions: [
      ...(options.subjectAltNames === undefined ? [] : [subjectAltNameExtension([...options.subjectAltNames])]),
      ...(options.extensions ?? []),
    ],
    ...(options.challenge === undefined ? {} : { challengePassword: options.challenge }),
    attributes: options.attributes ?? [],
  });
}

export function selfSigned(keys: DeviceKeys, subject = 'CN=device', now = new Date()): Certificate {
  return decodeCertificate(
    createSelfSignedCertificate({
      subject: parseName(subject),
      ...keys,
      serialNumber: randomBytes(8),
      notBefore: new Date(now.getTime() - 3_600_000),
      notAfter: new Date(now.getTime() + 86_400_000),
    }),
  );
}

export interface Message {
  /** What goes into the envelope: for a poll or a query no certification request. */
  readonly csr: Uint8Array;
  readonly transactionId: string;
  readonly signer: { readonly certificate: Certificate; readonly privateKey: KeyObject };
  readonly messageType?: 'PKCSReq' | 'RenewalReq' | 'CertPoll' | 'GetCert' | 'GetCRL';
  readonly digest?: DigestName;
  readonly contentCipher?: ContentCipher;
  readonly keyTransport?: KeyTransport;
  readonly framing?: 'der' | 'ber';
  /** Where the signer's key cannot decrypt: what the answer is encrypted under. */
  readonly replyPassword?: string;
}

export interface Sent {
  readonly status: number;
  readonly contentType: string | null;
  readonly bytes: Uint8Array;
  readonly reply: CertRep | undefined;
}

/** One endpoint, as a device sees it. */
export class Client {
  readonly url: string;
  readonly authorities: readonly Certificate[];

  private constructor(url: string, authorities: readonly Certificate[]) {
    this.url = url;
    this.authorities = authorities;
  }

  static async connect(url: string): Promise<Client> {
    const response = await fetch(`${url}?operation=GetCACert`);
    const { certificates } = decodeCertsOnly(new Uint8Array(await response.arrayBuffer()));
    return new Client(
      url,
      certificates.map((encoded) => decodeCertificate(encoded)),
    );
  }

  /** A client that has these certificates from before, the RA's first. */
  static trusting(url: string, authorities: readonly Certificate[]): Client {
    return new Client(url, authorities);
  }

  get recipient(): Certificate {
    const [registration] = this.authorities;
    if (registration === undefined) throw new Error('GetCACert gave no certificate.');
    return registration;
  }

  /** The bytes of a message, signed anew each time. */
  build(message: Message): { bytes: Uint8Array; senderNonce: Uint8Array } {
    const senderNonce = randomBytes(16);
    const bytes = createPkiRequest({
      messageType: message.messageType ?? 'PKCSReq',
      content: message.csr,
      transactionId: message.transactionId,
      senderNonce,
      recipients: [this.recipient],
      contentCipher: message.contentCipher ?? 'aes-128-cbc',
      keyTransport: message.keyTransport ?? { kind: 'pkcs1' },
      digest: message.digest ?? 'sha256',
      signer: message.signer,
      framing: message.framing ?? 'der',
      randomBytes,
    });
    return { bytes, senderNonce };
  }

  async send(message: Message, signal?: AbortSignal): Promise<Sent> {
    const { bytes, senderNonce } = this.build(message);
    return this.post(bytes, message, senderNonce, signal);
  }

  async post(bytes: Uint8Array, message: Message, senderNonce: Uint8Array, signal?: AbortSignal): Promise<Sent> {
    const response = await fetch(`${this.url}/pkiclient.exe?operation=PKIOperation`, {
      method: 'POST',
      body: Buffer.from(bytes),
      ...(signal === undefined ? {} : { signal }),
    });
    const body = new Uint8Array(await response.arrayBuffer());
    const contentType = response.headers.get('content-type');
    const reply =
      contentType === 'application/x-pki-message'
        ? readCertRep(body, {
            recipient: message.replyPassword === undefined ? message.signer : { password: message.replyPassword },
            signers: [...this.authorities],
            transactionId: message.transactionId,
            senderNonce,
          })
        : undefined;
    return { status: response.status, contentType, bytes: body, reply };
  }
}

/** The issued certificate, or an error that says what came instead. */
export function issued(sent: Sent): Certificate {
  if (sent.reply?.status !== 'success') {
    throw new Error(
      `No certificate: HTTP ${sent.status}, ${JSON.stringify(sent.reply ?? Buffer.from(sent.bytes).toString('latin1'))}`,
    );
  }
  const [certificate] = sent.reply.certificates;
  if (certificate === undefined) throw new Error('A success without a certificate.');
  return certificate;
}

export function publicKeyOf(keys: DeviceKeys): KeyObject {
  return createPublicKey(keys.privateKey);
}
