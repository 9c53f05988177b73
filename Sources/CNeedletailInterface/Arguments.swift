import CNeedletail
import Needletail

/// A call that cannot be served as it was made.
func refusal(_ message: String) -> NeedletailError {
  NeedletailError(.invalidConfiguration, message)
}

// MARK: Pointers

/// A pointer that has to be there, and aligned.
@unsafe
func required<Value>(
  _ pointer: UnsafePointer<Value>?, _ name: String
) throws(NeedletailError) -> UnsafePointer<Value> {
  guard let pointer = unsafe pointer else { throw refusal("\(name) is NULL; it is required.") }
  try checkAlignment(UInt(bitPattern: pointer), MemoryLayout<Value>.alignment, name)
  return unsafe pointer
}

/// A place for output that has to be there, and aligned.
@unsafe
func required<Value>(
  _ pointer: UnsafeMutablePointer<Value>?, _ name: String
) throws(NeedletailError) -> UnsafeMutablePointer<Value> {
  guard let pointer = unsafe pointer else { throw refusal("\(name) is NULL; it is required.") }
  try checkAlignment(UInt(bitPattern: pointer), MemoryLayout<Value>.alignment, name)
  return unsafe pointer
}

/// A handle that has to be there.
@unsafe
func required(
  _ handle: OpaquePointer?, _ name: String
) throws(NeedletailError) -> OpaquePointer {
  guard let handle = unsafe handle else { throw refusal("\(name) is NULL; it is required.") }
  return unsafe handle
}

/// A place for output that may be missing, but is aligned when it is there.
@unsafe
func optional<Value>(
  _ pointer: UnsafeMutablePointer<Value>?, _ name: String
) throws(NeedletailError) -> UnsafeMutablePointer<Value>? {
  if unsafe pointer == nil { return unsafe pointer }
  return unsafe try required(pointer, name)
}

func checkAlignment(_ address: UInt, _ alignment: Int, _ name: String) throws(NeedletailError) {
  guard address.isMultiple(of: UInt(alignment)) else {
    throw refusal(
      "\(name) is at 0x\(String(address, radix: 16)), which is no multiple of \(alignment); align it."
    )
  }
}

/// The text of a path.
@unsafe
func path(_ pointer: UnsafePointer<CChar>?) throws(NeedletailError) -> String {
  let pointer = unsafe try required(pointer, "path")
  guard let path = unsafe String(validatingCString: pointer) else {
    throw refusal("path is not UTF-8, so no file can be named by it; choose another name.")
  }
  guard !path.isEmpty else { throw refusal("path is empty; give the index's directory.") }
  return path
}

// MARK: Numbers

/// A count that an `Int` holds.
func count(_ value: UInt64, _ name: String) throws(NeedletailError) -> Int {
  guard let count = Int(exactly: value) else {
    throw NeedletailError(.capacityExceeded, "\(name) is \(value); the most is \(Int.max).")
  }
  return count
}

/// Checks that `[rows, columns]` elements have a size and that they end before the address space does.
func checkExtent(
  _ address: UInt, rows: Int, columns: Int, byteCount: Int, _ name: String
) throws(NeedletailError) {
  let (elements, first) = rows.multipliedReportingOverflow(by: columns)
  let (bytes, second) = elements.multipliedReportingOverflow(by: byteCount)
  guard !first, !second, !address.addingReportingOverflow(UInt(bitPattern: bytes)).overflow else {
    throw NeedletailError(
      .capacityExceeded,
      "\(name) would be \(rows) × \(columns) elements of \(byteCount) bytes, beyond the address space."
    )
  }
}

func choice<Value>(
  _ number: Int32, _ name: String, _ values: [(Int32, Value)]
) throws(NeedletailError) -> Value {
  for (known, value) in values where known == number { return value }
  let numbers = values.map { String($0.0) }.joined(separator: ", ")
  throw refusal("\(name) is \(number); it is one of \(numbers).")
}

// MARK: Structures that carry their size

/// A structure as this library knows it, from one of any age.
///
/// - Throws: `invalidConfiguration` when the size was not filled in; `unsupportedFormat` when fields that
///   this library does not know are set.
@unsafe
func options<Value: BitwiseCopyable>(
  _ pointer: UnsafePointer<Value>, _ name: String, _ macro: String
) throws(NeedletailError) -> Value {
  let known = MemoryLayout<Value>.size
  let given = unsafe try structSize(UnsafeRawPointer(pointer), known, name, macro)
  for offset in known..<max(known, given)
  where unsafe UnsafeRawPointer(pointer).load(fromByteOffset: offset, as: UInt8.self) != 0 {
    throw NeedletailError(
      .unsupportedFormat,
      "\(name) has a field at byte \(offset), which this library (ABI \(NEEDLETAIL_ABI_VERSION),"
        + " \(known) bytes) does not know; load a newer one, or leave the field 0.")
  }
  return unsafe pointer.pointee
}

/// The size that the caller's header gave a structure.
@unsafe
func structSize(
  _ pointer: UnsafeRawPointer, _ known: Int, _ name: String, _ macro: String
) throws(NeedletailError) -> Int {
  let given = unsafe Int(pointer.load(as: UInt32.self))
  guard given >= known, given <= 4_096 else {
    throw refusal(
      "\(name)->struct_size is \(given); begin with \(macro), which makes it \(known) or more.")
  }
  return given
}

/// Fills in the caller's structure, and clears what this library does not know.
@unsafe
func fill<Value: BitwiseCopyable>(
  _ pointer: UnsafeMutablePointer<Value>, _ value: Value, _ name: String, _ macro: String
) throws(NeedletailError) {
  let known = MemoryLayout<Value>.size
  let raw = UnsafeMutableRawPointer(pointer)
  let given = unsafe try structSize(UnsafeRawPointer(raw), known, name, macro)
  unsafe pointer.pointee = value
  unsafe raw.storeBytes(of: UInt32(given), as: UInt32.self)
  for offset in known..<max(known, given) {
    unsafe raw.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
  }
}
