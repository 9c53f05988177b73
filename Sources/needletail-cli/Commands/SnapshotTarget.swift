#if Tools
  import Needletail
  import NeedletailCore
  import NeedletailEvaluation

  /// Lets the judge measure a snapshot.
  struct SnapshotTarget: SearchTarget {
    let snapshot: Snapshot

    var count: Int { snapshot.count }
    var dimensions: Int { snapshot.dimensions }
    var metric: Metric { snapshot.metric }

    func search(
      batch queries: VectorMatrix, k: Int, efSearch: Int, threads: Int,
      into neighbors: inout [Neighbor], counts: inout [Int]
    ) throws(NeedletailError) -> SearchWork {
      let statistics = try snapshot.search(
        batch: queries, k: k, options: SearchOptions(efSearch: efSearch), threads: threads,
        into: &neighbors, counts: &counts)
      return SearchWork(evaluations: statistics.evaluations, hops: statistics.hops)
    }

    func search(
      _ query: [Float], k: Int, efSearch: Int, into neighbors: inout [Neighbor]
    ) throws(NeedletailError) -> Int {
      var span = neighbors.mutableSpan
      let outcome = try snapshot.search(
        query.span, k: k, options: SearchOptions(efSearch: efSearch), into: &span)
      return outcome.count
    }

    /// The ids in the order of the rows; nil when each id is its row's number.
    var identities: [VectorID]? {
      let ids = snapshot.ids
      return ids.indices.allSatisfy { ids[$0] == VectorID($0) } ? nil : ids
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
          "seed": "\(information.seed)",
          "codes": information.codes == .none
            ? "none" : "\(information.codes.rawValue), \(quantizer.form)",
          "precise rows": information.preciseRows.rawValue,
        ],
        components: components.map {
          EvaluationReport.Component(
            name: $0.name, bytes: $0.bytes,
            placement: information.placement[$0.key] ?? "resident")
        })
    }
  }
#endif
