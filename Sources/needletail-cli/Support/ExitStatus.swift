#if Tools
  import NeedletailCore

  /// How the process ends, after `sysexits.h`; 1 is a gate that was not passed.
  enum ExitStatus: Int32 {
    case success = 0
    /// What was measured is not what was asked for.
    case broken = 1
    /// The command was used wrongly.
    case usage = 64
    /// The input is wrong.
    case data = 65
    /// An input does not exist.
    case noInput = 66
    /// An output cannot be created.
    case cannotCreate = 73
    /// The system refused a read or a write.
    case io = 74
    /// The same may succeed later.
    case tryAgain = 75
    /// The user asked to stop.
    case interrupted = 130

    /// The one place that says which kind of error ends the process how.
    init(_ code: NeedletailError.Code) {
      switch code {
      case .invalidConfiguration: self = .usage
      case .notFound: self = .noInput
      case .alreadyExists: self = .cannotCreate
      case .io: self = .io
      case .locked, .overBudget: self = .tryAgain
      case .cancelled: self = .interrupted
      default: self = .data
      }
    }
  }

  /// A failure of the command line itself: a sentence, and how the process ends.
  struct CommandFailure: Error {
    var status: ExitStatus
    var message: String

    init(_ status: ExitStatus, _ message: String) {
      self.status = status
      self.message = message
    }
  }
#endif
