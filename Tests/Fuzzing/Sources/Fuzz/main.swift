import CFuzzer
import _NeedletailTestSupport

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Which target, by its name in the environment: all arguments are libFuzzer's.
guard let name = unsafe getenv("NEEDLETAIL_FUZZ").map({ unsafe String(cString: $0) }),
  let target = FuzzTarget(rawValue: name)
else {
  print("NEEDLETAIL_FUZZ is one of: \(FuzzTarget.allCases.map(\.rawValue).joined(separator: ", "))")
  exit(64)
}
/// Set once, before libFuzzer begins.
nonisolated(unsafe) private var chosen = target

var count = CommandLine.argc
var arguments = unsafe CommandLine.unsafeArgv
exit(
  unsafe LLVMFuzzerRunDriver(&count, &arguments) { data, size in
    unsafe chosen.run([UInt8](UnsafeBufferPointer(start: data, count: size)))
    return 0
  })
