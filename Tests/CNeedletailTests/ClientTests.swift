import CNeedletailClient
import CNeedletailInterface
import Testing
import _NeedletailTestSupport

/// The interface in C as a C program uses it, in this process, where sanitizers look on.
@Suite("C client")
struct ClientTests {
  @Test(arguments: 0..<client_check_count())
  func checksPassWithTheirThreads(number: Int) throws {
    let directory = try TemporaryDirectory()
    let name = unsafe client_check_name(number).map { unsafe String(cString: $0) } ?? ""
    #expect(!name.isEmpty)
    if let failure = unsafe client_check_run(number, directory.path) {
      Issue.record("\(name): \(unsafe String(cString: failure))")
    }
  }
}
