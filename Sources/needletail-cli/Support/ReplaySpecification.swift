#if Tools
  import ArgumentParser
  import Needletail

  /// An index to be replayed against, as an option names it: `DIR`, and what differs from the other options.
  struct ReplaySpecification {
    /// What the option said, for errors.
    let text: String
    /// The directory.
    private(set) var path: String
    private var efSearch: Int?
    private var recall: Double?
    private var budget: String?

    /// Reads `DIR,ef=48,budget=new.yaml`; what follows a comma and is none of these is part of the directory's name.
    ///
    /// - Throws: 64 with what to write instead.
    init(_ text: String, option: String) throws {
      self.text = text
      path = text
      while let comma = path.lastIndex(of: ",") {
        let word = path[path.index(after: comma)...]
        guard let equals = word.firstIndex(of: "=") else { break }
        let value = String(word[word.index(after: equals)...])
        guard try take(String(word[..<equals]), value, option) else { break }
        path = String(path[..<comma])
      }
      guard !path.isEmpty else {
        throw ValidationError(
          "\(option) is “\(text)”, which names no index; write it like DIR,ef=48.")
      }
      guard efSearch == nil || recall == nil else {
        throw ValidationError("\(option) “\(text)” has ef and recall; give one of them.")
      }
    }

    /// Takes a setting; false: it is none.
    private mutating func take(_ name: String, _ value: String, _ option: String) throws -> Bool {
      let isGiven: Bool
      switch name {
      case "ef":
        guard let number = Int(value) else {
          throw ValidationError("\(option) “\(text)” has ef=\(value); give a whole number.")
        }
        try Check.width(number)
        isGiven = efSearch != nil
        efSearch = number
      case "recall":
        guard let number = Double(value) else {
          throw ValidationError("\(option) “\(text)” has recall=\(value); give a number up to 1.")
        }
        try Check.recall(number)
        isGiven = recall != nil
        recall = number
      case "budget":
        guard !value.isEmpty else {
          throw ValidationError("\(option) “\(text)” has an empty budget=; name a file.")
        }
        isGiven = budget != nil
        budget = value
      default: return false
      }
      guard !isGiven else {
        throw ValidationError("\(option) “\(text)” has \(name)= twice; give it once.")
      }
      return true
    }

    /// How a query is searched at full quality.
    func options(_ others: SearchOptions) -> SearchOptions {
      if let recall { return SearchOptions(recall: recall) }
      if let efSearch { return SearchOptions(efSearch: efSearch) }
      return others
    }

    /// The file of its budget.
    func budget(_ other: String) -> String { budget ?? other }
  }
#endif
