import CNeedletail
import Needletail

/// What a `needletail_index` stands for.
final class OpenIndex: Sendable {
  let snapshot: Snapshot
  let index: VectorIndex

  init(_ snapshot: Snapshot, _ index: VectorIndex) {
    self.snapshot = snapshot
    self.index = index
  }
}

// SAFETY: a handle is the address of an object that it owns once; `release` takes that back. The header
// says that no call may follow or overlap it.

/// A handle that owns an object.
@unsafe
func handle(for object: some AnyObject) -> OpaquePointer {
  unsafe OpaquePointer(Unmanaged.passRetained(object).toOpaque())
}

/// The object of a handle.
@unsafe
func object<Object: AnyObject>(_ type: Object.Type, _ handle: OpaquePointer) -> Object {
  unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).takeUnretainedValue()
}

/// Ends a handle.
@unsafe
func release<Object: AnyObject>(_ type: Object.Type, _ handle: OpaquePointer) {
  unsafe Unmanaged<Object>.fromOpaque(UnsafeRawPointer(handle)).release()
}

/// Keeps nothing alive: the caller's memory outlasts the call, and no call keeps it longer.
private final class BorrowedMemory: Sendable {
  static let shared = BorrowedMemory()
}

/// Rows in the caller's memory, checked as far as they can be.
@unsafe
func borrowedRows(
  _ components: UnsafeRawPointer?, count rows: Int, dimensions: Int, stride: UInt64,
  element number: Int32, _ name: String
) throws(NeedletailError) -> VectorMatrix {
  let element = try choice(
    number, "\(name).element",
    [
      (Int32(NEEDLETAIL_FLOAT32), VectorMatrix.Element.float32),
      (Int32(NEEDLETAIL_FLOAT16), .float16), (Int32(NEEDLETAIL_UINT8), .uint8),
      (Int32(NEEDLETAIL_INT8), .int8),
    ])
  // At most 2¹⁴ components of 4 bytes: no product overflows here.
  let tight = dimensions * element.byteCount
  let stride = stride == 0 ? tight : try CNeedletailInterface.count(stride, "\(name).row_stride")
  guard stride >= tight, stride.isMultiple(of: element.byteCount) else {
    throw refusal(
      "\(name).row_stride is \(stride); \(dimensions) components of \(element.byteCount) bytes need a"
        + " multiple of \(element.byteCount) from \(tight) on, or 0.")
  }
  guard rows > 0 else {
    // Nobody reads rows of which there are none, but a matrix has an address.
    let nowhere = unsafe UnsafeRawPointer(bitPattern: 64).unsafelyUnwrapped
    return unsafe VectorMatrix(
      owner: BorrowedMemory.shared, baseAddress: nowhere, count: 0, dimensions: dimensions,
      element: element, rowByteStride: stride)
  }
  guard let components = unsafe components else {
    throw refusal("\(name).components is NULL for \(rows) rows.")
  }
  let address = UInt(bitPattern: components)
  try checkAlignment(address, element.byteCount, "\(name).components")
  try checkExtent(address, rows: rows, columns: 1, byteCount: stride, name)
  return unsafe VectorMatrix(
    owner: BorrowedMemory.shared, baseAddress: components, count: rows, dimensions: dimensions,
    element: element, rowByteStride: stride)
}

/// Queries in the caller's memory, checked as far as they can be.
@unsafe
func borrowed(
  _ queries: needletail_queries, dimensions: Int, _ name: String
) throws(NeedletailError) -> VectorMatrix {
  guard unsafe queries.reserved == 0 else {
    throw unsafe refusal("\(name)->reserved is \(queries.reserved); leave it 0.")
  }
  // Compared before anything is read: the caller's memory ends where the caller says.
  guard unsafe queries.dimensions == UInt64(dimensions) else {
    throw unsafe NeedletailError(
      .dimensionMismatch,
      "The queries have \(queries.dimensions) components; the index has \(dimensions) dimensions.")
  }
  let count = unsafe try CNeedletailInterface.count(queries.count, "\(name)->count")
  return unsafe try borrowedRows(
    queries.components, count: count, dimensions: dimensions, stride: queries.row_stride,
    element: queries.element, name)
}
