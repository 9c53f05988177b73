/// Segments that an index has no more, as long as a view holds them: what is withdrawn goes from these too.
struct FormerSegments {
  private struct Sealed { weak var segment: SealedSegment? }
  private struct Live { weak var segment: LiveSegment? }

  private var allSealed: [Sealed] = []
  private var allLive: [Live] = []

  mutating func append(_ segment: SealedSegment) { allSealed.append(Sealed(segment: segment)) }
  mutating func append(_ segment: LiveSegment) { allLive.append(Live(segment: segment)) }

  /// Those that somebody holds; forgets the others.
  mutating func sealed() -> [SealedSegment] {
    allSealed.removeAll { $0.segment == nil }
    return allSealed.compactMap(\.segment)
  }

  mutating func live() -> [LiveSegment] {
    allLive.removeAll { $0.segment == nil }
    return allLive.compactMap(\.segment)
  }

  /// Takes over those of another list.
  mutating func append(contentsOf other: FormerSegments) {
    allSealed += other.allSealed
    allLive += other.allLive
  }
}
