#if Tools
  import NeedletailBudgets

  /// Texts that others wrote, without what a terminal takes for commands.
  enum PlainText {
    static func of(_ text: String) -> String {
      String(
        text.unicodeScalars.map { isControl($0) ? " " : $0 }
          .reduce(into: "") { $0.unicodeScalars.append($1) })
    }
  }
#endif
