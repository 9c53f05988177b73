import NeedletailCore
import NeedletailKernels
import NeedletailStorage

/// The shape of a graph, counted.
package struct GraphShape: Sendable, Hashable {
  package var levels = 0
  package var meanDegree = 0.0
  package var maximumDegree = 0
  package var unreachable = 0
}

extension SealedSegment {
  /// Counts links and what they reach.
  ///
  /// - Complexity: one pass over all links of level 0.
  package func graphShape() -> GraphShape {
    var shape = GraphShape()
    shape.levels = tables.count
    guard count > 0 else { return shape }
    var links = 0
    for ordinal in 0..<UInt32(count) {
      let degree = tables[0].degree(of: ordinal)
      links += degree
      shape.maximumDegree = max(shape.maximumDegree, degree)
    }
    shape.meanDegree = Double(links) / Double(count)
    shape.unreachable = Reachability(tables[0]).unreachedCount
    return shape
  }

  /// Looks for what a checksum cannot see: links out of range or doubled, ids out of order, rows that are
  /// no numbers, more unreachable rows than the file admits.
  ///
  /// - Parameter limit: stops after this many faults.
  /// - Returns: one sentence per fault; empty when the segment is sound.
  package func inspect(limit: Int) -> [String] {
    var faults: [String] = []
    for (level, table) in tables.enumerated() {
      inspectLinks(level, table, limit, &faults)
    }
    inspectIdentities(limit, &faults)
    inspectTerms(limit, &faults)
    inspectTurbo(limit, &faults)
    inspectRows(limit, &faults)
    inspectAttributes(limit, &faults)
    if faults.isEmpty, count > 0 {
      let unreached = Reachability(tables[0]).unreachedCount
      if unreached != parameters.unreachableNodes {
        faults.append(
          "\(unreached) rows cannot be reached from the entry; the segment says"
            + " \(parameters.unreachableNodes).")
      }
    }
    return faults
  }

  private func inspectLinks(
    _ level: Int, _ table: LinkTable, _ limit: Int, _ faults: inout [String]
  ) {
    var seen: [UInt32] = []
    for ordinal in 0..<UInt32(table.count) {
      guard faults.count < limit else { return }
      let row = unsafe table.row(ordinal)
      let degree = table.degree(of: ordinal)
      for j in degree..<table.degree where unsafe row[j] != LinkTable.none {
        faults.append(
          "Row \(ordinal) of level \(level) links to row \(unsafe row[j]) of \(table.count).")
        break
      }
      seen = table.links(of: ordinal)
      seen.sort()
      for j in seen.indices {
        if seen[j] == ordinal {
          faults.append("Row \(ordinal) of level \(level) links to itself.")
        } else if j > 0, seen[j] == seen[j - 1] {
          faults.append("Row \(ordinal) of level \(level) links twice to row \(seen[j]).")
        }
      }
    }
  }

  private func inspectIdentities(_ limit: Int, _ faults: inout [String]) {
    var before: VectorID?
    for position in 0..<count {
      guard faults.count < limit else { return }
      let ordinal = unsafe idOrder.start.load(fromByteOffset: position * 4, as: UInt32.self)
      guard Int(ordinal) < count else {
        faults.append("Place \(position) of the id order names row \(ordinal) of \(count).")
        continue
      }
      let id = unsafe id(ordinal)
      if let before, before >= id {
        faults.append("Id \(id) stands behind id \(before) in the id order.")
      }
      before = id
    }
  }

  private func inspectTerms(_ limit: Int, _ faults: inout [String]) {
    guard let quantizer else { return }
    var bytes = [UInt8](repeating: 0, count: quantizer.codeByteCount)
    for ordinal in 0..<count {
      guard faults.count < limit else { return }
      unsafe copyCode(UInt32(ordinal), quantizer, into: &bytes)
      let code = bytes
      if code[quantizer.dimensions...].contains(where: { $0 != 128 }) {
        faults.append("The code of row \(ordinal) goes on behind its last component.")
      }
      switch quantizer.searchFinish {
      case _ where turbo != nil: break
      case .norm:
        let stored = unsafe terms.start.load(fromByteOffset: ordinal * 4, as: Int32.self)
        let norm = Self.squaredNorm(code)
        if stored != norm {
          faults.append("The norm of row \(ordinal) is said to be \(stored); its code has \(norm).")
        }
      case .factor:
        let factor = unsafe terms.start.load(fromByteOffset: ordinal * 8, as: Float.self)
        let bias = unsafe terms.start.load(fromByteOffset: ordinal * 8 + 4, as: Float.self)
        if !factor.isFinite || !bias.isFinite {
          faults.append("The factor \(factor) or bias \(bias) of row \(ordinal) is not finite.")
        }
      case .product, .scaledNorm, .reduced: break
      }
    }
  }

  static func squaredNorm(_ code: [UInt8]) -> Int32 {
    var sum: Int32 = 0
    for byte in code {
      let component = Int32(byte) &- 128
      sum &+= component &* component
    }
    return sum
  }

  private func inspectRows(_ limit: Int, _ faults: inout [String]) {
    guard hasPreciseRows else { return }
    let dimensions = parameters.options.dimensions
    unsafe withUnsafeTemporaryAllocation(of: Float.self, capacity: dimensions) { buffer in
      guard let row = buffer.baseAddress else { return }
      for ordinal in 0..<UInt32(count) {
        guard faults.count < limit else { return }
        unsafe copyKept(ordinal, into: row)
        for j in 0..<dimensions where unsafe !row[j].isFinite {
          faults.append("Component \(j) of row \(ordinal) is \(unsafe row[j]).")
          break
        }
        guard let norm = norm(of: ordinal) else { continue }
        if !(norm.isFinite && norm > 0) {
          faults.append("The norm of row \(ordinal) is \(norm).")
        } else if parameters.options.precise == .givenFloat16 {
          let own = unsafe FixedOrder.squaredNorm(row, count: dimensions).squareRoot()
          if norm != own {
            faults.append("The norm of row \(ordinal) is \(norm), and \(own) by its components.")
          }
        }
      }
    }
  }
}
