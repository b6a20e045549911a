/* An SDF device (GM/T 0018) in software, for tests only: one SM2 key, index 1, password "12345678", and knobs to make it fail. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string.h>
#include <unistd.h>

typedef struct { unsigned int bits; unsigned char x[64]; unsigned char y[64]; } ECCrefPublicKey;
typedef struct { unsigned char r[64]; unsigned char s[64]; } ECCSignature;
typedef struct { int open; int sessions; } device_t;
typedef struct { int right; device_t *device; } session_t;

static int lose, spoil, logins, opened, junk, full, gone, one_handle, torn;
static volatile int hang, hanging;
static EVP_PKEY *key;
static session_t sessions[64];
static int used;
static device_t devices[16];
static int device_count;

void soft_set(const char *name, int value) {
  if (!strcmp(name, "lose")) lose = value;
  if (!strcmp(name, "hang")) hang = value;             /* signing does not come back until it is 0 again */
  if (!strcmp(name, "spoil")) spoil = value;
  if (!strcmp(name, "junk")) junk = value;
  if (!strcmp(name, "full")) full = value;             /* so many sessions are refused: there are as many as the device takes */
  if (!strcmp(name, "gone")) gone = value;             /* so many sessions are refused: the connection broke */
  if (!strcmp(name, "one_handle")) one_handle = value; /* every OpenDevice gives the same handle */
}
int soft_logins(void) { return logins; }
int soft_opened(void) { return opened; }
int soft_hanging(void) { return hang ? hanging : 0; } /* calls that do not come back */
int soft_torn(void) { return torn; } /* sessions under which their device was closed */
int soft_devices(void) {
  int count = 0;
  for (int i = 0; i < device_count; i++) count += devices[i].open;
  return count;
}

static EVP_PKEY *the_key(void) {
  if (key == NULL) {
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, "SM2", NULL);
    EVP_PKEY_keygen_init(context);
    EVP_PKEY_generate(context, &key);
    EVP_PKEY_CTX_free(context);
  }
  return key;
}

int SDF_OpenDevice(void **device) {
  the_key();
  if (device_count >= 16) return 0x01000005;
  if (!one_handle || device_count == 0) device_count++;
  devices[device_count - 1].open = 1;
  *device = &devices[device_count - 1];
  return 0;
}
int SDF_CloseDevice(void *device) {
  torn += ((device_t *)device)->sessions;
  ((device_t *)device)->open = 0;
  return 0;
}
int SDF_OpenSession(void *device, void **session) {
  if (full > 0) { full--; return 0x01000006; }
  if (gone > 0) { gone--; return 0x01000003; }
  if (used >= 64) return 0x01000006;
  sessions[used].right = 0;
  sessions[used].device = device;
  ((device_t *)device)->sessions++;
  *session = &sessions[used++];
  opened++;
  return 0;
}
int SDF_CloseSession(void *session) {
  ((session_t *)session)->right = 0;
  ((session_t *)session)->device->sessions--;
  return 0;
}
int SDF_GetPrivateKeyAccessRight(void *session, unsigned int index, unsigned char *password, unsigned int length) {
  logins++;
  if (index != 1) return 0x01000008;
  if (length != 8 || memcmp(password, "12345678", 8)) return 0x01000007;
  ((session_t *)session)->right = 1;
  return 0;
}
int SDF_ReleasePrivateKeyAccessRight(void *session, unsigned int index) { (void)index; ((session_t *)session)->right = 0; return 0; }
int SDF_ExportSignPublicKey_ECC(void *session, unsigned int index, ECCrefPublicKey *out) {
  unsigned char point[65];
  size_t length = 0;
  (void)session;
  if (index != 1) return 0x01000008;
  EVP_PKEY_get_octet_string_param(the_key(), OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point, &length);
  memset(out, 0, sizeof *out);
  out->bits = 256;
  memcpy(out->x + 32, point + 1, 32);
  memcpy(out->y + 32, point + 33, 32);
  if (junk) out->x[0] = 1;
  return 0;
}
int SDF_InternalSign_ECC(void *session, unsigned int index, unsigned char *data, unsigned int length, ECCSignature *out) {
  unsigned char der[80];
  const unsigned char *cursor = der;
  size_t size = sizeof der;
  EVP_PKEY_CTX *context;
  ECDSA_SIG *value;
  hanging++;
  while (hang) usleep(1000);
  hanging--;
  if (lose > 0) { lose--; return 0x01000003; }
  if (!((session_t *)session)->device->open) return 0x01000003;
  if (index != 1) return 0x01000008;
  if (!((session_t *)session)->right) return 0x01000007;
  if (length != 32) return 0x0100000B;
  context = EVP_PKEY_CTX_new(the_key(), NULL);
  EVP_PKEY_sign_init(context);
  if (EVP_PKEY_sign(context, der, &size, data, length) != 1) return 0x0100000D;
  EVP_PKEY_CTX_free(context);
  value = d2i_ECDSA_SIG(NULL, &cursor, (long)size);
  memset(out, 0, sizeof *out);
  BN_bn2binpad(ECDSA_SIG_get0_r(value), out->r + 32, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(value), out->s + 32, 32);
  ECDSA_SIG_free(value);
  if (spoil) out->s[63] ^= 1;
  return 0;
}
