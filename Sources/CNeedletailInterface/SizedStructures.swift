import CNeedletail
import Needletail

/// A structure that begins with its own size, so that programs and libraries of any age get along.
protocol SizedStructure {
  /// All fields 0.
  init()
  /// Its size in the first version of the interface; it only grows.
  static var firstSize: Int { get }
  /// What fills in the size.
  static var macro: String { get }
}

extension needletail_build_options: SizedStructure {
  static var firstSize: Int { 56 }
  static var macro: String { "NEEDLETAIL_BUILD_OPTIONS_INIT" }
}

extension needletail_open_options: SizedStructure {
  static var firstSize: Int { 24 }
  static var macro: String { "NEEDLETAIL_OPEN_OPTIONS_INIT" }
}

extension needletail_search_options: SizedStructure {
  static var firstSize: Int { 40 }
  static var macro: String { "NEEDLETAIL_SEARCH_OPTIONS_INIT" }
}

extension needletail_tune_options: SizedStructure {
  static var firstSize: Int { 32 }
  static var macro: String { "NEEDLETAIL_TUNE_OPTIONS_INIT" }
}

extension needletail_information: SizedStructure {
  static var firstSize: Int { 104 }
  static var macro: String { "NEEDLETAIL_INFORMATION_INIT" }
}

extension needletail_search_statistics: SizedStructure {
  static var firstSize: Int { 40 }
  static var macro: String { "NEEDLETAIL_SEARCH_STATISTICS_INIT" }
}

/// Options as this library knows them, from a program of any age; fields that are missing are 0.
///
/// - Throws: `invalidConfiguration` when they are missing or their size was not filled in;
///   `unsupportedFormat` when fields are set that this library does not know.
@unsafe
func options<Value: SizedStructure>(
  _ pointer: UnsafePointer<Value>?, _ name: String
) throws(NeedletailError) -> Value {
  let pointer = unsafe try required(pointer, name)
  let raw = unsafe UnsafeRawPointer(pointer)
  let given = unsafe try structSize(raw, of: Value.self, name)
  let known = MemoryLayout<Value>.size
  for offset in known..<max(known, given)
  where unsafe raw.load(fromByteOffset: offset, as: UInt8.self) != 0 {
    throw NeedletailError(
      .unsupportedFormat,
      "\(name) has a field at byte \(offset), which this library (ABI \(NEEDLETAIL_ABI_VERSION),"
        + " \(known) bytes) does not know; load a newer one, or leave the field 0.")
  }
  var value = Value()
  unsafe withUnsafeMutableBytes(of: &value) { bytes in
    // SAFETY: no more than the caller's structure has, nor than this one.
    unsafe bytes.copyMemory(
      from: UnsafeRawBufferPointer(start: raw, count: min(given, known)))
  }
  return value
}

/// Fills in as much of the caller's structure as it has room for, and clears what lies beyond this
/// library's.
@unsafe
func fill<Value: SizedStructure>(
  _ pointer: UnsafeMutablePointer<Value>, _ value: Value, _ name: String
) throws(NeedletailError) {
  let raw = UnsafeMutableRawPointer(pointer)
  let given = unsafe try structSize(UnsafeRawPointer(raw), of: Value.self, name)
  let known = MemoryLayout<Value>.size
  unsafe withUnsafeBytes(of: value) { bytes in
    // SAFETY: as above.
    unsafe raw.copyMemory(
      from: bytes.baseAddress.unsafelyUnwrapped, byteCount: min(given, known))
  }
  unsafe raw.storeBytes(of: UInt32(given), as: UInt32.self)
  for offset in known..<max(known, given) {
    unsafe raw.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
  }
}

/// The size that the caller's header gave a structure.
@unsafe
private func structSize<Value: SizedStructure>(
  _ pointer: UnsafeRawPointer, of type: Value.Type, _ name: String
) throws(NeedletailError) -> Int {
  let given = unsafe Int(pointer.load(as: UInt32.self))
  guard given >= Value.firstSize, given <= 4_096 else {
    throw refusal(
      "\(name)->struct_size is \(given); begin with \(Value.macro), which makes it"
        + " \(MemoryLayout<Value>.size).")
  }
  return given
}
