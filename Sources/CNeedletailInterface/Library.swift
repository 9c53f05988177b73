import CNeedletail
import Needletail

/// Text for C that lives as long as the process.
@safe
struct CText: @unchecked Sendable {
  // SAFETY: written once, never freed.
  let start: UnsafePointer<CChar>

  init(_ text: String) {
    let bytes = text.utf8CString
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count)
    for (i, byte) in bytes.enumerated() { unsafe (copy + i).initialize(to: byte) }
    unsafe start = UnsafePointer(copy)
  }

  static let version = CText("0.1.0")
  static let kernelLevel = CText(VectorIndex.kernelLevel)
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_abi_version() -> UInt32 { NEEDLETAIL_ABI_VERSION }

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_version() -> UnsafePointer<CChar> { unsafe CText.version.start }

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_kernel_level() -> UnsafePointer<CChar> { unsafe CText.kernelLevel.start }
