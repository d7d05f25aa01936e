// How long OpenSSL takes: handshakes, reads and writes, apart by outcome, and the public-key operations inside of them.
//   sonde run tools/ssllatency.probe.ts                 prints when it ends (Ctrl-C)
//   sonde run tools/ssllatency.probe.ts --every 5s -p nginx
// `failed` are calls that gave 0 or less; without blocking that is mostly "not yet". A read's time holds its waiting for the peer.
import { func, hash, hist, i32, stats, uprobe } from "sonde";

/** Nanoseconds, by function. */
export const done = hash(func, hist());
export const failed = hash(func, hist());
export const crypto = hash(func, stats());

uprobe(["libssl:SSL_read", "libssl:SSL_write", "libssl:SSL_read_ex", "libssl:SSL_write_ex", "libssl:SSL_do_handshake"], {
  enter: (c) => c.time,
  leave: (c, from) => {
    const ns = c.time - from;
    if (i32(c.ret) > 0) done.at(c.func).add(ns);
    else failed.at(c.func).add(ns);
  },
});
// Signing, checking a signature, agreeing on a key, and the older ways to do so.
uprobe(
  [
    "libcrypto:EVP_DigestSign",
    "libcrypto:EVP_DigestVerify",
    "libcrypto:EVP_PKEY_derive",
    "libcrypto:EVP_PKEY_decrypt",
    "libcrypto:RSA_sign",
    "libcrypto:RSA_verify",
  ],
  {
    enter: (c) => c.time,
    leave: (c, from) => crypto.at(c.func).add(c.time - from),
  },
  { optional: true },
);
