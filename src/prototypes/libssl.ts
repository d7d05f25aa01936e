/** Prototypes of OpenSSL 1.1 and 3: the TLS library and its cryptographic part. Source: OpenSSL's manual pages, section 3. */
import type { PrototypeTable } from "./notation.ts";

export const libssl: PrototypeTable = {
  structs: "",
  functions: `
SSL_read(ssl *, buf *, num i32) i32
SSL_read_ex(ssl *, buf *, num u64, readbytes u64*) i32
SSL_peek(ssl *, buf *, num i32) i32
SSL_peek_ex(ssl *, buf *, num u64, readbytes u64*) i32
SSL_write(ssl *, buf *, num i32) i32
SSL_write_ex(ssl *, buf *, num u64, written u64*) i32
SSL_sendfile(ssl *, fd i32, offset i64, size u64, flags i32) i64
SSL_do_handshake(ssl *) i32
SSL_connect(ssl *) i32
SSL_accept(ssl *) i32
SSL_shutdown(ssl *) i32
SSL_new(ctx *) *
SSL_free(ssl *) void
SSL_clear(ssl *) i32
SSL_set_fd(ssl *, fd i32) i32
SSL_set_rfd(ssl *, fd i32) i32
SSL_set_wfd(ssl *, fd i32) i32
SSL_get_fd(ssl *) i32
SSL_set_bio(ssl *, rbio *, wbio *) void
SSL_set_connect_state(ssl *) void
SSL_set_accept_state(ssl *) void
SSL_get_error(ssl *, ret i32) i32
SSL_pending(ssl *) i32
SSL_get_version(ssl *) s
SSL_get_servername(ssl *, type i32) s
SSL_get1_peer_certificate(ssl *) *
SSL_get_peer_certificate(ssl *) *
SSL_get_verify_result(ssl *) i64
SSL_set_session(ssl *, session *) i32
SSL_session_reused(ssl *) i32
SSL_ctrl(ssl *, cmd i32, larg i64, parg *) i64
SSL_CTX_new(method *) *
SSL_CTX_free(ctx *) void
SSL_CTX_use_certificate_file(ctx *, file s, type i32) i32
SSL_CTX_use_certificate_chain_file(ctx *, file s) i32
SSL_CTX_use_PrivateKey_file(ctx *, file s, type i32) i32
SSL_CTX_load_verify_locations(ctx *, file s, path s) i32
SSL_CTX_set_verify(ctx *, mode i32, callback *) void
SSL_CTX_set_cipher_list(ctx *, str s) i32
`.trim(),
};

export const libcrypto: PrototypeTable = {
  structs: "",
  functions: `
CRYPTO_malloc(num u64, file s, line i32) *
CRYPTO_free(ptr *, file s, line i32) void
EVP_DigestInit_ex(ctx *, type *, impl *) i32
EVP_DigestUpdate(ctx *, data *, count u64) i32
EVP_DigestFinal_ex(ctx *, md *, size u32*) i32
EVP_EncryptInit_ex(ctx *, type *, impl *, key *, iv *) i32
EVP_EncryptUpdate(ctx *, out *, outl i32*, in *, inl i32) i32
EVP_EncryptFinal_ex(ctx *, out *, outl i32*) i32
EVP_DecryptInit_ex(ctx *, type *, impl *, key *, iv *) i32
EVP_DecryptUpdate(ctx *, out *, outl i32*, in *, inl i32) i32
EVP_DecryptFinal_ex(ctx *, out *, outl i32*) i32
EVP_CipherUpdate(ctx *, out *, outl i32*, in *, inl i32) i32
EVP_PKEY_sign(ctx *, sig *, siglen u64*, tbs *, tbslen u64) i32
EVP_PKEY_verify(ctx *, sig *, siglen u64, tbs *, tbslen u64) i32
RAND_bytes(buf *, num i32) i32
BIO_read(bio *, data *, len i32) i32
BIO_write(bio *, data *, len i32) i32
BIO_new_file(file s, mode s) *
X509_verify_cert(ctx *) i32
ERR_get_error() u64
SHA256(d *, n u64, md *) *
`.trim(),
};
