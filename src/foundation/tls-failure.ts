import { messageOf } from "./errors.ts";

/** Node's names for a server's certificate that is not believed: another signer, another name, another time. */
const untrusted = /^(CERT_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_(GET_ISSUER|VERIFY)|ERR_TLS_CERT|INVALID_CA|HOSTNAME_)/;
/** OpenSSL's for what the server says of a client's. */
const unwelcome = /^ERR_SSL_.*_ALERT_(.*CERTIFICATE.*|UNKNOWN_CA|ACCESS_DENIED)$/;

/** OpenSSL's of an answer that is no TLS. */
const noTls = /wrong version number|packet length too long/;

/** What is set where a certificate is to be changed: whose signature is believed, and what is shown. */
export interface TlsNames {
  authority: string;
  certificate: string;
}

const settings: TlsNames = { authority: "authorityFile", certificate: "certificateFile" };

/** Why two did not come to trust each other, and what mends it. Undefined: that is not what failed. */
export function tlsFailureOf(error: unknown, names = settings): string | undefined {
  const code = String((error as { code?: unknown } | undefined)?.code ?? "");
  if (untrusted.test(code)) {
    return `its certificate is not trusted: ${messageOf(error)}; ${names.authority} names who may have signed it`;
  }
  if (noTls.test(messageOf(error))) return "it does not speak TLS there: is https, or tls, right?";
  const said = unwelcome.exec(code)?.[1];
  if (said === undefined) return undefined;
  const alert = said.toLowerCase().replaceAll("_", " ");
  return `it does not trust the certificate that it is shown, or is shown none: ${alert}; ${names.certificate} names ours`;
}
