// The system's HDF5 library, found through pkg-config, for the trait `HDF5` only.
//
// Swift can't see what the library's headers make of macros (the type handles are globals behind an
// initialising call), so each one that is needed has a name here. No policy.
#ifndef NEEDLETAIL_CHDF5_H
#define NEEDLETAIL_CHDF5_H

#include <hdf5.h>

#pragma clang assume_nonnull begin

/// Stops the library from printing its error stack; every caller looks at the result instead.
static inline void ndl_h5_silence(void) { (void)H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

/// Opens a file for reading. Negative: it isn't there, or isn't HDF5.
static inline hid_t ndl_h5_open(const char *path) {
  return H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
}

/// Makes a file, in the place of one that is there. Negative on failure.
static inline hid_t ndl_h5_create(const char *path) {
  return H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
}

/// Memory types, in the machine's byte order.
static inline hid_t ndl_h5_float32(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t ndl_h5_float64(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t ndl_h5_int8(void) { return H5T_NATIVE_INT8; }
static inline hid_t ndl_h5_uint8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t ndl_h5_int32(void) { return H5T_NATIVE_INT32; }
static inline hid_t ndl_h5_int64(void) { return H5T_NATIVE_INT64; }

/// The class of the properties with which an array is made.
static inline hid_t ndl_h5_dataset_creation(void) { return H5P_DATASET_CREATE; }

/// A copy of the C string type of `byte_count` bytes, H5T_VARIABLE for any; the caller closes it.
static inline hid_t ndl_h5_string(size_t byte_count) {
  hid_t type = H5Tcopy(H5T_C_S1);
  if (type >= 0 && H5Tset_size(type, byte_count) < 0) {
    (void)H5Tclose(type);
    return -1;
  }
  return type;
}

#pragma clang assume_nonnull end

#endif
