import Foundation
import Synchronization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A web server of one file on this machine, that misbehaves on demand.
///
/// | Path       | Behaviour                                                 |
/// |------------|-----------------------------------------------------------|
/// | `/file`    | the file; honours `Range`                                 |
/// | `/whole`   | the file; knows no ranges                                 |
/// | `/cut`     | half of what was asked for, then the connection breaks    |
/// | `/slow`    | the file, 16 KiB at a time with pauses; honours `Range`   |
/// | `/shifted` | a range other than the one asked for                      |
/// | `/503`     | any three digits: that status                             |
final class LoopbackServer: Sendable {
  let port: UInt16
  private let descriptor: Int32
  private let body: [UInt8]
  private let ranges = Mutex<[String]>([])

  /// The `Range` headers of the requests so far; `-` where there was none.
  var requestedRanges: [String] { ranges.withLock { $0 } }

  init(_ body: [UInt8]) throws {
    self.body = body
    #if canImport(Glibc)
      let kind = Int32(SOCK_STREAM.rawValue)
    #else
      let kind = SOCK_STREAM
    #endif
    descriptor = socket(AF_INET, kind, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let socket = descriptor
    // SAFETY: `sockaddr_in` is laid out to be passed as `sockaddr`, with its own length.
    let status = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        guard unsafe bind(socket, generic, length) == 0, listen(socket, 16) == 0 else {
          return Int32(-1)
        }
        return unsafe getsockname(socket, generic, &length)
      }
    }
    guard status == 0 else { throw POSIXError(.EADDRINUSE) }
    port = UInt16(bigEndian: address.sin_port)
    Thread { [self] in acceptAll() }.start()
  }

  func stop() {
    shutdown(descriptor, Int32(SHUT_RDWR))
    close(descriptor)
  }

  func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  private func acceptAll() {
    while true {
      let client = accept(descriptor, nil, nil)
      guard client >= 0 else { return }
      Thread { [self] in
        answer(client)
        shutdown(client, Int32(SHUT_RDWR))
        close(client)
      }.start()
    }
  }

  private func answer(_ client: Int32) {
    let request = readRequest(client)
    let lines = request.components(separatedBy: "\r\n")
    let path = lines[0].split(separator: " ").dropFirst().first.map(String.init) ?? "/"
    let range = lines.first { $0.lowercased().hasPrefix("range: ") }?.dropFirst(7)
    ranges.withLock { $0.append(range.map(String.init) ?? "-") }
    if let status = Int(path.dropFirst()), path.count == 4 {
      send(client, Array("HTTP/1.1 \(status) X\r\nContent-Length: 0\r\n\r\n".utf8))
      return
    }
    var start = 0
    if let range, path != "/whole" {
      start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" }) ?? 0
    }
    guard start < body.count else {
      send(client, Array("HTTP/1.1 416 X\r\nContent-Length: 0\r\n\r\n".utf8))
      return
    }
    var head = start > 0 ? "HTTP/1.1 206 Partial Content\r\n" : "HTTP/1.1 200 OK\r\n"
    let told = path == "/shifted" ? start + 1 : start
    if start > 0 { head += "Content-Range: bytes \(told)-\(body.count - 1)/\(body.count)\r\n" }
    head += "Content-Length: \(body.count - start)\r\nConnection: close\r\n\r\n"
    send(client, Array(head.utf8))
    sendBody(client, body[start...], path: path)
  }

  private func sendBody(_ client: Int32, _ bytes: ArraySlice<UInt8>, path: String) {
    switch path {
    case "/cut": send(client, Array(bytes.prefix(bytes.count / 2)))
    case "/slow":
      var rest = bytes
      while !rest.isEmpty {
        guard send(client, Array(rest.prefix(16 << 10))) else { return }
        rest = rest.dropFirst(16 << 10)
        Thread.sleep(forTimeInterval: 0.05)
      }
    default: send(client, Array(bytes))
    }
  }

  private func readRequest(_ client: Int32) -> String {
    var text = ""
    var block = [UInt8](repeating: 0, count: 4096)
    while !text.contains("\r\n\r\n") {
      // SAFETY: at most the buffer's length is written.
      let got = unsafe block.withUnsafeMutableBytes { buffer in
        unsafe recv(client, buffer.baseAddress, buffer.count, 0)
      }
      guard got > 0 else { break }
      text += String(decoding: block[..<got], as: UTF8.self)
    }
    return text
  }

  @discardableResult
  private func send(_ client: Int32, _ bytes: [UInt8]) -> Bool {
    #if canImport(Glibc)
      let flags = Int32(MSG_NOSIGNAL)
    #else
      let flags: Int32 = 0
    #endif
    var sent = 0
    while sent < bytes.count {
      // SAFETY: the slice from `sent` on lies inside the array.
      let done = unsafe bytes.withUnsafeBytes { buffer in
        guard let start = buffer.baseAddress else { return 0 }
        return unsafe systemSend(client, start + sent, buffer.count - sent, flags)
      }
      guard done > 0 else { return false }
      sent += done
    }
    return true
  }
}

/// The system's `send`, whose name the method hides.
private func systemSend(
  _ socket: Int32, _ bytes: UnsafeRawPointer, _ count: Int, _ flags: Int32
) -> Int {
  unsafe send(socket, bytes, count, flags)
}
