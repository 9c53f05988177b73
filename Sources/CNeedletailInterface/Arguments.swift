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
