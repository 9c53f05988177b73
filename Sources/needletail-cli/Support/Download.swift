#if Tools
  import Foundation
  import NeedletailCore
  import NeedletailEvaluation
  import Synchronization

  #if canImport(FoundationNetworking)
    import FoundationNetworking
  #endif

  /// Fetches one file, going on where an earlier attempt ended.
  ///
  /// The bytes go to `<file>.part` beside the file, which gets its name when all are there. A part is
  /// kept when the connection breaks or the user stops, so that the next attempt asks for the rest.
  struct Download {
    var url: URL
    var destination: URL
    /// The file's size, where it is known.
    var expectedBytes: Int?

    /// How much there was to do.
    struct Outcome {
      /// The size of the whole file.
      var bytes: Int
      /// The bytes that an earlier attempt had left.
      var resumedFrom: Int
    }

    private var part: URL { destination.appendingPathExtension("part") }

    /// Fetches the file.
    ///
    /// - Throws: a `CommandFailure`: 66 when the server has no such file, 65 when it has another size,
    ///   75 for whatever may pass, 74 when the disk refuses; `cancelled` when the monitor says so.
    func run(_ monitor: WorkMonitor) throws -> Outcome {
      var offset = Self.size(part) ?? 0
      if let expectedBytes, offset > expectedBytes {
        try? FileManager.default.removeItem(at: part)
        offset = 0
      }
      if offset != expectedBytes || offset == 0 {
        try transfer(from: offset, monitor)
      }
      let bytes = Self.size(part) ?? 0
      if let expectedBytes, bytes != expectedBytes {
        try? FileManager.default.removeItem(at: part)
        throw CommandFailure(
          .data,
          """
          \(url.absoluteString) has \(bytes) bytes, and the manifest says \(expectedBytes). It was \
          not kept; see whether the address is still that of the data set.
          """)
      }
      do {
        try FileManager.default.moveItem(at: part, to: destination)
      } catch {
        throw CommandFailure(
          .cannotCreate, "\(destination.path) cannot be made: \(error.localizedDescription)")
      }
      return Outcome(bytes: bytes, resumedFrom: offset)
    }

    /// The size of a file; nil when there is none.
    static func size(_ file: URL) -> Int? {
      let attributes = try? FileManager.default.attributesOfItem(atPath: file.path)
      return (attributes?[.size] as? NSNumber)?.intValue
    }

    private func transfer(from offset: Int, _ monitor: WorkMonitor) throws {
      monitor.begin("fetching", total: max(0, (expectedBytes ?? 0) - offset))
      let receiver = Receiver(part: part, offset: offset, expected: expectedBytes, monitor: monitor)
      let configuration = URLSessionConfiguration.ephemeral
      configuration.timeoutIntervalForRequest = 60
      configuration.httpAdditionalHeaders = [
        "User-Agent": "needletail", "Accept-Encoding": "identity",
      ]
      let session = URLSession(configuration: configuration, delegate: receiver, delegateQueue: nil)
      defer { session.invalidateAndCancel() }
      var request = URLRequest(url: url)
      if offset > 0 { request.setValue("bytes=\(offset)-", forHTTPHeaderField: "Range") }
      let task = session.dataTask(with: request)
      task.resume()
      while receiver.finished.wait(timeout: .now() + .milliseconds(50)) == .timedOut {
        if monitor.isCancelled { task.cancel() }
      }
      try receiver.close()
      if monitor.isCancelled {
        throw NeedletailError(
          .cancelled,
          "Stopped; what was fetched is kept in \(part.path), and the next call goes on.")
      }
      if let failure = receiver.failure { throw described(failure) }
    }

    /// What went wrong, and what to do about it.
    private func described(_ failure: Receiver.Failure) -> CommandFailure {
      let host = url.host() ?? url.absoluteString
      let kept = Self.size(part) ?? 0
      switch failure {
      case .status(404), .status(410):
        return CommandFailure(
          .noInput, "\(host) has no such file (\(url.absoluteString)); see the set's homepage.")
      case .status(416):
        try? FileManager.default.removeItem(at: part)
        return CommandFailure(
          .tryAgain,
          "\(host) has fewer bytes than \(part.path) had; it was removed. Run this again.")
      case .status(let code) where code >= 500 || code == 429 || code == 408:
        return CommandFailure(
          .tryAgain, "\(host) cannot serve the file now (HTTP \(code)); run this again later.")
      case .status(let code):
        return CommandFailure(.io, "\(host) refuses \(url.absoluteString) (HTTP \(code)).")
      case .range(let text):
        try? FileManager.default.removeItem(at: part)
        return CommandFailure(
          .tryAgain, "\(host) sent other bytes than were asked for (\(text)); run this again.")
      case .disk(let message):
        return CommandFailure(.io, "\(part.path) cannot be written: \(message)")
      case .network(let message):
        if kept > 0 {
          return CommandFailure(
            .tryAgain,
            """
            The connection to \(host) broke after \(Numerals.bytes(kept)): \(message). They are kept; \
            run this again to fetch the rest.
            """)
        }
        return CommandFailure(
          .tryAgain,
          """
          There is no way to \(host): \(message). Run this again where there is a network, or put \
          the file from \(url.absoluteString) at \(destination.path).
          """)
      }
    }
  }

  /// Takes the bytes of one response and puts them on disk.
  private final class Receiver: NSObject, URLSessionDataDelegate, Sendable {
    enum Failure: Sendable {
      case status(Int)
      case range(String)
      case disk(String)
      case network(String)
    }

    private struct State {
      var handle: FileHandle?
      var failure: Failure?
    }

    let finished = DispatchSemaphore(value: 0)
    private let part: URL
    private let offset: Int
    private let expected: Int?
    private let monitor: WorkMonitor
    private let state = Mutex(State())

    init(part: URL, offset: Int, expected: Int?, monitor: WorkMonitor) {
      self.part = part
      self.offset = offset
      self.expected = expected
      self.monitor = monitor
    }

    var failure: Failure? { state.withLock { $0.failure } }

    /// Makes the bytes durable.
    func close() throws {
      let handle = state.withLock { state in
        defer { state.handle = nil }
        return state.handle
      }
      do {
        try handle?.synchronize()
        try handle?.close()
      } catch {
        throw CommandFailure(.io, "\(part.path) cannot be written: \(error.localizedDescription)")
      }
    }

    func urlSession(
      _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
      completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
      let accepted = accept(response)
      completionHandler(accepted ? .allow : .cancel)
    }

    private func accept(_ response: URLResponse) -> Bool {
      guard let response = response as? HTTPURLResponse else {
        fail(.network("not an HTTP answer"))
        return false
      }
      var start = 0
      switch response.statusCode {
      case 200: break
      case 206:
        let range = response.value(forHTTPHeaderField: "Content-Range") ?? "no Content-Range"
        guard offset > 0, range.hasPrefix("bytes \(offset)-") else {
          fail(.range(range))
          return false
        }
        start = offset
      default:
        fail(.status(response.statusCode))
        return false
      }
      let length = Int(response.expectedContentLength)
      monitor.begin("fetching", total: max(0, length > 0 ? length : (expected ?? 0) - start))
      return open(at: start)
    }

    /// Opens the part; a server that knows no ranges starts anew.
    private func open(at start: Int) -> Bool {
      do {
        if !FileManager.default.fileExists(atPath: part.path) {
          guard FileManager.default.createFile(atPath: part.path, contents: nil) else {
            fail(.disk("it cannot be created"))
            return false
          }
        }
        let handle = try FileHandle(forWritingTo: part)
        try handle.truncate(atOffset: UInt64(start))
        state.withLock { $0.handle = handle }
        return true
      } catch {
        fail(.disk(error.localizedDescription))
        return false
      }
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
      do {
        try state.withLock { try $0.handle?.write(contentsOf: data) }
        try monitor.advance(by: data.count)
      } catch is NeedletailError {
        dataTask.cancel()
      } catch {
        fail(.disk(error.localizedDescription))
        dataTask.cancel()
      }
    }

    func urlSession(
      _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
    ) {
      if let error { fail(.network(error.localizedDescription)) }
      finished.signal()
    }

    /// Keeps the first failure: those after it are its consequences.
    private func fail(_ failure: Failure) {
      state.withLock { $0.failure = $0.failure ?? failure }
    }
  }
#endif
