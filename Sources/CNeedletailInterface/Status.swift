public import CNeedletail
import Needletail

/// The number that C programs get for an error.
func status(of code: NeedletailError.Code) -> needletail_status {
  let status =
    switch code {
    case .invalidConfiguration: NEEDLETAIL_INVALID_CONFIGURATION
    case .dimensionMismatch: NEEDLETAIL_DIMENSION_MISMATCH
    case .nonFiniteComponent: NEEDLETAIL_NON_FINITE_COMPONENT
    case .zeroVector: NEEDLETAIL_ZERO_VECTOR
    case .notFound: NEEDLETAIL_NOT_FOUND
    case .alreadyExists: NEEDLETAIL_ALREADY_EXISTS
    case .locked: NEEDLETAIL_LOCKED
    case .unsupportedFormat: NEEDLETAIL_UNSUPPORTED_FORMAT
    case .corrupted: NEEDLETAIL_CORRUPTED
    case .capacityExceeded: NEEDLETAIL_CAPACITY_EXCEEDED
    case .overBudget: NEEDLETAIL_OVER_BUDGET
    case .cancelled: NEEDLETAIL_CANCELLED
    case .io: NEEDLETAIL_IO
    default: NEEDLETAIL_OTHER
    }
  return needletail_status(status)
}

/// Runs a call, and turns an error into a number for C and a message for this thread.
func reporting(_ call: () throws(NeedletailError) -> Void) -> needletail_status {
  do throws(NeedletailError) {
    try call()
    return needletail_status(NEEDLETAIL_OK)
  } catch {
    unsafe needletail_keep_message(error.description)
    return status(of: error.code)
  }
}

/// Implements the declaration in `CNeedletail.h`.
@c @implementation
public func needletail_status_name(_ status: needletail_status) -> UnsafePointer<CChar> {
  let names = StatusNames.all
  let number = Int(status)
  return unsafe names.indices.contains(number) ? names[number].start : StatusNames.unknown.start
}

private enum StatusNames {
  /// In the order of their numbers.
  static let all = [
    "ok", "invalidConfiguration", "dimensionMismatch", "nonFiniteComponent", "zeroVector",
    "notFound", "alreadyExists", "locked", "unsupportedFormat", "corrupted", "capacityExceeded",
    "overBudget", "cancelled", "io", "other",
  ].map(CText.init)
  static let unknown = CText("unknown")
}
