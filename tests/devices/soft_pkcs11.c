/* A PKCS#11 token in software, for tests only: an SM2, a P-256 and an RSA key pair with the labels sm2, ec and rsa; PIN "1234". */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

typedef unsigned long U;
typedef struct { U type; void *value; U length; } attribute_t;
typedef struct { U mechanism; void *parameter; U length; } mechanism_t;
typedef struct { unsigned char major, minor; } version_t;

static EVP_PKEY *keys[3];
static const char *labels[3] = {"sm2", "ec", "rsa"};
static int logged_in, logins, lose, hang_ms, spoil, as_der;
static U next_session = 1;
static struct { U found[8]; U count; U mechanism; U key; } state[256];

void soft_set(const char *name, int value) {
  if (!strcmp(name, "lose")) lose = value;
  if (!strcmp(name, "hang_ms")) hang_ms = value;
  if (!strcmp(name, "spoil")) spoil = value;
  if (!strcmp(name, "as_der")) as_der = value;
  if (!strcmp(name, "logged_in")) logged_in = value;
}
int soft_logins(void) { return logins; }

static U initialize(void *arguments) {
  (void)arguments;
  if (keys[0] != NULL) return 0x191;
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
  EVP_PKEY_keygen_init(context);
  EVP_PKEY_generate(context, &keys[0]);
  EVP_PKEY_CTX_free(context);
  keys[1] = EVP_EC_gen("P-256");
  keys[2] = EVP_RSA_gen(2048);
  return 0;
}
static U finalize(void *reserved) { (void)reserved; return 0; }
static U slot_list(unsigned char present, U *slots, U *count) { (void)present; if (slots) slots[0] = 7; *count = 1; return 0; }
static U token_info(U slot, unsigned char *info) { (void)slot; memset(info, 0, 160); memset(info, ' ', 96); memcpy(info, "soft token", 10); return 0; }
static U open_session(U slot, U flags, void *application, void *notify, U *session) {
  (void)flags; (void)application; (void)notify;
  if (slot != 7) return 0x3;
  *session = next_session++;
  return 0;
}
static U close_session(U session) { (void)session; return 0; }
static U login(U session, U user, unsigned char *pin, U length) {
  (void)session; (void)user;
  logins++;
  if (length != 4 || memcmp(pin, "1234", 4)) return 0xA0;
  if (logged_in) return 0x100;
  logged_in = 1;
  return 0;
}
static U find_init(U session, attribute_t *attributes, U count) {
  U kind = 0, i, k;
  const char *label = NULL;
  U length = 0;
  for (i = 0; i < count; i++) {
    if (attributes[i].type == 0) kind = *(U *)attributes[i].value;
    else { label = attributes[i].value; length = attributes[i].length; }
  }
  state[session].count = 0;
  if (kind == 3 && !logged_in) return 0;
  for (k = 0; k < 3; k++)
    if (label && (!strncmp(label, "any", 3) || (strlen(labels[k]) == length && !memcmp(labels[k], label, length)))) state[session].found[state[session].count++] = 10 * kind + k;
  return 0;
}
static U find(U session, U *objects, U most, U *count) {
  U i;
  for (i = 0; i < most && i < state[session].count; i++) objects[i] = state[session].found[i];
  *count = i;
  return 0;
}
static U find_final(U session) { (void)session; return 0; }
static U get_attribute(U session, U object, attribute_t *attribute, U count) {
  static const unsigned char sm2[] = {6, 8, 0x2a, 0x81, 0x1c, 0xcf, 0x55, 1, 0x82, 0x2d}, p256[] = {6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7};
  unsigned char point[67];
  size_t length = 0;
  EVP_PKEY *key = keys[object % 10];
  BIGNUM *number = NULL;
  (void)session; (void)count;
  if (attribute->type == 0x180) {
    memcpy(attribute->value, object % 10 ? p256 : sm2, 10);
    attribute->length = 10;
  } else if (attribute->type == 0x181) {
    EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point + 2, 65, &length);
    point[0] = 4; point[1] = 65;
    if (object % 10) { memcpy(attribute->value, point, 67); attribute->length = 67; }
    else { memcpy(attribute->value, point + 2, 65); attribute->length = 65; }
  } else if (attribute->type == 0x120 || attribute->type == 0x122) {
    EVP_PKEY_get_bn_param(key, attribute->type == 0x120 ? "n" : "e", &number);
    attribute->length = (U)BN_bn2bin(number, attribute->value);
    BN_free(number);
  } else return 0x12;
  return 0;
}
static U sign_init(U session, mechanism_t *mechanism, U key) {
  if (lose > 0) { lose--; return 0xB3; }
  if (!logged_in) return 0x101;
  if ((key % 10 == 0) != (mechanism->mechanism == 0x80000101UL)) return 0x70;
  state[session].mechanism = mechanism->mechanism;
  state[session].key = key;
  return 0;
}
static U sign(U session, unsigned char *data, U length, unsigned char *out, U *out_length) {
  unsigned char der[512];
  const unsigned char *cursor = der;
  size_t size = sizeof der;
  U index = state[session].key % 10;
  EVP_PKEY_CTX *context;
  if (hang_ms) usleep(hang_ms * 1000);
  context = EVP_PKEY_CTX_new(keys[index], NULL);
  EVP_PKEY_sign_init(context);
  if (state[session].mechanism == 0xD) {
    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING);
    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256());
    EVP_PKEY_CTX_set_rsa_pss_saltlen(context, 32);
  }
  if (EVP_PKEY_sign(context, der, &size, data, length) != 1) return 0x5;
  EVP_PKEY_CTX_free(context);
  if (index == 2 || as_der) { memcpy(out, der, size); *out_length = size; }
  else {
    ECDSA_SIG *value = d2i_ECDSA_SIG(NULL, &cursor, (long)size);
    BN_bn2binpad(ECDSA_SIG_get0_r(value), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(value), out + 32, 32);
    ECDSA_SIG_free(value);
    *out_length = 64;
  }
  if (spoil) out[*out_length - 1] ^= 1;
  return 0;
}

/* The order of PKCS #11 2.40, up to C_Sign; what is not used is left empty. */
static struct { version_t version; void *calls[44]; } list = {
    {2, 40},
    {initialize, finalize, 0, 0, slot_list, 0, token_info, 0, 0, 0, 0, 0, open_session, close_session, 0, 0, 0, 0, login, 0, 0, 0, 0, 0,
     get_attribute, 0, find_init, find, find_final, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, sign_init, sign}};
U C_GetFunctionList(void **out) { *out = &list; return 0; }
