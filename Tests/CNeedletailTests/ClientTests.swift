import CNeedletailClient
import CNeedletailInterface
import Testing
import _NeedletailTestSupport

/// The interface in C as a C program uses it, in this process.
@Suite("C client")
struct ClientTests {
  private static let checks = 0..<client_check_count()

  /// The threads of a check are looked at by ThreadSanitizer too, which finds this by its name.
  @Test("C check, threads and all", arguments: checks)
  func aCheckPasses(number: Int) throws {
    let directory = try TemporaryDirectory()
    let name = unsafe client_check_name(number).map { unsafe String(cString: $0) } ?? ""
    #expect(!name.isEmpty)
    if let failure = unsafe client_check_run(number, directory.path) {
      Issue.record("\(name): \(unsafe String(cString: failure))")
    }
  }
}
