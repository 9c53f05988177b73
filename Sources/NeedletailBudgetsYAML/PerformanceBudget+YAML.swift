#if YAML
  public import NeedletailBudgets
  public import NeedletailCore

  extension PerformanceBudget {
    /// Reads a budget from YAML: the same fields as in JSON.
    ///
    /// A word without quotes is a text unless JSON has it as a number, `true`, `false` or `null`.
    ///
    /// - Throws: everything that is wrong with it, each fault with line, column and path.
    public init(yaml text: String) throws(InvalidBudget) { try self.init(yaml: Array(text.utf8)) }

    /// Reads a budget from the bytes of a YAML file.
    ///
    /// - Throws: as `init(yaml:)` of a text; also for bytes that are not UTF-8.
    public init(yaml bytes: [UInt8]) throws(InvalidBudget) {
      try self.init(document: try YAMLReader.read(bytes))
    }

    /// Reads a YAML file.
    ///
    /// - Throws: `notFound` or `io` when there is nothing to read; `invalidConfiguration` for a file that is no good
    ///   budget, with an `InvalidBudget` as its cause.
    public init(contentsOfYAML path: String) throws(NeedletailError) {
      let bytes = try Self.bytes(of: path)
      do throws(InvalidBudget) {
        try self.init(yaml: bytes)
      } catch {
        throw Self.refusal(of: path, error)
      }
    }

    /// The budget as YAML: every field, in an order that does not change.
    public var yaml: String { YAMLWriter.text(written()) }
  }

  extension OpenSLO {
    /// Reads the documents of a YAML file, which `---` parts.
    ///
    /// - Throws: everything that is wrong, or that an objective cannot say.
    public init(yaml text: String) throws(InvalidBudget) {
      try self.init(documents: try YAMLReader.readAll(Array(text.utf8)))
    }

    /// The documents as YAML, parted by `---`.
    public var yaml: String { documents.map(YAMLWriter.text).joined(separator: "---\n") }
  }
#endif
