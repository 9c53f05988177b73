import NeedletailCore
import NeedletailStorage

package final class WithdrawalLog {
  static func open(_ directory: IndexDirectory, indexIdentity: [UInt8]) throws(NeedletailError) -> (
    log: WithdrawalLog, ids: Set<VectorID>
  ) { (WithdrawalLog(), []) }
  func withdraw(_ ids: [VectorID]) throws(NeedletailError) {}
  func reinstate(_ ids: [VectorID]) throws(NeedletailError) {}
}
struct WithdrawalChanges { var withdrawn: Set<VectorID>; var reinstated: Set<VectorID> }
struct WithdrawalReader: Sendable {
  init(_ directory: IndexDirectory, indexIdentity: [UInt8]) throws(NeedletailError) {}
  mutating func poll() throws(NeedletailError) -> WithdrawalChanges? { nil }
}
