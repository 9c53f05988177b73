import NeedletailCore

/// Searches that failed one after the other for the same segment: after some of them it is not searched any more.
struct SegmentFailures: Sendable {
  /// So many failures within `window` are no accident.
  private static let most = 3
  private static let window = 60 * Nanoseconds.second
  /// Segments that are counted at a time.
  private static let mostSegments = 64

  private var recent: [String: [Nanoseconds]] = [:]

  /// Takes a failure; gives the segment that has failed too often.
  mutating func note(_ error: NeedletailError, at now: Nanoseconds) -> String? {
    guard let segment = Self.segment(of: error) else { return nil }
    recent = recent.filter { $0.value.contains { now - $0 < Self.window } }
    guard recent[segment] != nil || recent.count < Self.mostSegments else { return nil }
    let failures = (recent[segment] ?? []).filter { now - $0 < Self.window } + [now]
    recent[segment] = failures.count < Self.most ? failures : nil
    return failures.count < Self.most ? nil : segment
  }

  /// The segment whose file a failure names; `nil`: it names none, or is none of the file's.
  static func segment(of error: NeedletailError) -> String? {
    guard error.code == .corrupted || error.code == .io, let path = error.location?.path else {
      return nil
    }
    let parts = path.split(separator: "/")
    guard parts.dropLast().last == "segments", let file = parts.last else { return nil }
    return file.split(separator: ".").first.map(String.init)
  }
}
