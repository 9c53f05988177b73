#if Tools
  import NeedletailCore
  import NeedletailEvaluation

  /// The rows and queries that candidates are tried on.
  struct DecisionSample {
    /// What indexes are built of.
    var rows: VectorMatrix
    /// What they are searched for.
    var queries: VectorMatrix
    /// Rows of the whole set.
    var count: Int
    /// Whether the queries were drawn from the set, and left out of the rows.
    var isHeldOut: Bool

    /// The most queries: more tell little more of a recall and of a p95.
    static let queries = 1_000

    /// Draws rows, and queries where none are given.
    ///
    /// - Parameters:
    ///   - base: the whole set.
    ///   - given: queries like those to come; otherwise rows serve, a tenth of them at most, and are left out.
    ///   - rows: rows to draw at most.
    ///   - metric: what is asked of rows.
    ///   - seed: of the draw; each row is as likely as any other.
    /// - Throws: `capacityExceeded` for fewer than two rows; `nonFiniteComponent` and `zeroVector` with the row's number
    ///   in the set, which whoever builds of the sample cannot know.
    init(
      _ base: VectorMatrix, queries given: VectorMatrix?, rows: Int, metric: Metric, seed: UInt64
    ) throws(NeedletailError) {
      var random = SplitMix64(seed: seed)
      count = base.count
      isHeldOut = given == nil
      let heldOut = given == nil ? min(Self.queries, base.count / 10) : 0
      guard base.count - heldOut >= 2, given != nil || heldOut > 0 else {
        throw NeedletailError(
          .capacityExceeded,
          "\(base.count) rows are too few to build of some and to search for others. Give queries, or more rows."
        )
      }
      let chosen = Self.draw(min(base.count, rows + heldOut), of: base.count, &random)
      for row in chosen { try Self.check(base[row], row, metric) }
      let places = Set(Self.draw(heldOut, of: chosen.count, &random))
      self.rows = try Self.gather(
        chosen.indices.filter { !places.contains($0) }.map { chosen[$0] }, base)
      if let given {
        queries = try Self.gather(
          Self.draw(min(Self.queries, given.count), of: given.count, &random), given)
      } else {
        queries = try Self.gather(places.sorted().map { chosen[$0] }, base)
      }
    }

    /// So many of the numbers from 0, each set of them as likely as any other, ascending.
    ///
    /// - Source: Knuth, *The Art of Computer Programming* 2, section 3.4.2, algorithm S.
    static func draw(_ wanted: Int, of count: Int, _ random: inout SplitMix64) -> [Int] {
      var chosen: [Int] = []
      chosen.reserveCapacity(wanted)
      for number in 0..<count where chosen.count < wanted {
        let open = UInt64(count - number)
        if random.next(below: open) < UInt64(wanted - chosen.count) { chosen.append(number) }
      }
      return chosen
    }

    private static func check(
      _ components: [Float], _ row: Int, _ metric: Metric
    ) throws(NeedletailError) {
      if let component = components.firstIndex(where: { !$0.isFinite }) {
        throw NeedletailError(
          .nonFiniteComponent,
          "Row \(row), component \(component) is \(components[component]); remove the row or mend its source."
        )
      }
      if metric == .cosine, components.allSatisfy({ $0 == 0 }) {
        throw NeedletailError(
          .zeroVector, "Row \(row) is all zeros; it has no direction, so no cosine. Leave it out.")
      }
    }

    private static func gather(
      _ numbers: [Int], _ matrix: VectorMatrix
    ) throws(NeedletailError) -> VectorMatrix {
      var components: [Float] = []
      components.reserveCapacity(numbers.count * matrix.dimensions)
      for number in numbers { components += matrix[number] }
      return try VectorMatrix(components, dimensions: matrix.dimensions)
    }
  }
#endif
