#if Tools
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// Lets the judge measure a snapshot.
  struct SnapshotTarget: SearchTarget {
    let snapshot: Snapshot
    /// Recalls that are asked for in place of the widths that serve them, which need not be whole.
    var recalls: [Int: Double] = [:]

    var count: Int { snapshot.count }
    var dimensions: Int { snapshot.dimensions }
    var metric: Metric { snapshot.metric }

    func search(
      batch queries: VectorMatrix, k: Int, efSearch: Int, threads: Int,
      into neighbors: inout [Neighbor], counts: inout [Int]
    ) throws(NeedletailError) -> SearchWork {
      let statistics = try snapshot.search(
        batch: queries, k: k, options: options(efSearch), threads: threads,
        into: &neighbors, counts: &counts)
      return SearchWork(evaluations: statistics.evaluations, hops: statistics.hops)
    }

    func search(
      _ query: [Float], k: Int, efSearch: Int, into neighbors: inout [Neighbor]
    ) throws(NeedletailError) -> Int {
      var span = neighbors.mutableSpan
      let outcome = try snapshot.search(
        query.span, k: k, options: options(efSearch), into: &span)
      return outcome.count
    }

    private func options(_ efSearch: Int) -> SearchOptions {
      if let recall = recalls[efSearch] { return SearchOptions(recall: recall) }
      return SearchOptions(efSearch: efSearch)
    }

    /// The ids in the order of the rows, as `list` has them; nil when each id is its row's number.
    ///
    /// Ids from 0 on without a list are taken as row numbers, as `build` gives them; `check` sees
    /// whether they are.
    ///
    /// - Throws: `invalidConfiguration` when the index has ids of its own and there is no list;
    ///   `dimensionMismatch` when the list has others than the index.
    func identities(_ list: [VectorID]?) throws(NeedletailError) -> [VectorID]? {
      let ids = snapshot.ids
      if let list {
        guard list.sorted() == ids else {
          throw NeedletailError(
            .dimensionMismatch,
            "--ids has other ids than the index; give the file that the index was built with.")
        }
        return list
      }
      guard ids.indices.allSatisfy({ ids[$0] == VectorID($0) }) else {
        throw NeedletailError(
          .invalidConfiguration,
          """
          The index has ids of its own, and the ground truth has row numbers; give the file of ids \
          that it was built with as --ids.
          """)
      }
      return nil
    }

    /// Compares some rows of the base with what the index holds under their ids.
    ///
    /// - Throws: `corrupted` when they differ by more than rounding explains.
    func check(
      _ base: VectorMatrix, _ identities: [VectorID]?, path: String?
    ) throws(NeedletailError) {
      guard snapshot.preciseRows != .none, base.count > 0 else { return }
      // Half precision keeps 8 bits or more; everything else, all but rounding.
      let tolerance = snapshot.preciseRows == .float32 ? 1e-5 : 1e-2
      let samples = min(base.count, 64)
      for sample in 0..<samples {
        let row = sample * base.count / samples
        let id = identities?[row] ?? VectorID(row)
        guard let kept = try snapshot.export(id) else { continue }
        let given = base[row]
        let difference = ExactDistance.between(given, kept, metric: .squaredEuclidean)
        guard difference.squareRoot() > tolerance * ExactDistance.norm(given) + 1e-30 else {
          continue
        }
        throw NeedletailError(
          .corrupted,
          "Row \(row) of the base is not what the index holds as id \(id). Give the vectors and the "
            + "file of ids (--ids) that the index was built with.",
          at: path.map { .init(path: $0, section: "row \(row)") })
      }
    }

    /// The index's own rows in the order of `identities`.
    func rows(_ identities: [VectorID]?) throws(NeedletailError) -> VectorMatrix {
      let exported = try snapshot.exportAll()
      guard let identities else { return exported }
      let ids = snapshot.ids
      let places = Dictionary(zip(ids, ids.indices), uniquingKeysWith: { first, _ in first })
      var components: [Float] = []
      components.reserveCapacity(exported.count * exported.dimensions)
      for id in identities {
        if let place = places[id] { components += exported[place] }
      }
      return try VectorMatrix(components, dimensions: exported.dimensions)
    }

    /// The index as the report describes it.
    var description: EvaluationReport.Index {
      let information = snapshot.information
      let components = Wording.components(information.memory).filter { $0.bytes > 0 }
      let quantizer = information.quantizer
      return EvaluationReport.Index(
        path: information.path, count: information.count, dimensions: information.dimensions,
        metric: information.metric.rawValue,
        properties: [
          "m": "\(information.m)", "efConstruction": "\(information.efConstruction)",
          "seed": "\(information.seed)", "mode": information.mode.rawValue,
          "codes": information.codes == .none
            ? "none" : "\(information.codes.rawValue), \(quantizer.form)",
          "precise rows": Wording.preciseRows(information),
        ],
        components: components.map {
          EvaluationReport.Component(
            name: $0.name, bytes: $0.bytes,
            placement: information.placement[$0.key] ?? "resident")
        })
    }
  }
#endif
