#if Tools
  import Foundation

  /// Writes one JSON document to standard output.
  enum JSONOutput {
    static func text(_ value: some Encodable) throws -> String {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
      encoder.nonConformingFloatEncodingStrategy = .convertToString(
        positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    static func write(_ value: some Encodable) throws { print(try text(value)) }
  }
#endif
