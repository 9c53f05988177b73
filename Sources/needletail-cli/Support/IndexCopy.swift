#if Tools
  import Foundation
  import NeedletailCore

  /// A copy of an index in the system's directory for temporary files, which `TMPDIR` names.
  struct IndexCopy {
    let path: String
    private let directory: URL

    /// Copies an index, with the progress shown; nobody should write to it meanwhile.
    ///
    /// - Throws: `cancelled`; `io` when there is no room, or a file cannot be read. Nothing is left then.
    init(of index: String) throws(NeedletailError) {
      directory = FileManager.default.temporaryDirectory
        .appending(path: "needletail-load-\(UUID().uuidString)")
      path = directory.appending(path: "index").path
      do throws(NeedletailError) {
        try Self.copy(index, to: path)
      } catch {
        remove()
        throw error
      }
    }

    /// Removes it; more than once is once.
    func remove() { try? FileManager.default.removeItem(at: directory) }

    private static func copy(_ index: String, to path: String) throws(NeedletailError) {
      let files = FileManager.default
      let monitor = WorkMonitor()
      try Supervision.run(monitor, unit: "B") { () throws(NeedletailError) in
        do {
          // For nobody else's eyes, whatever the index's own files allow.
          try files.createDirectory(
            atPath: (path as NSString).deletingLastPathComponent,
            withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
          try files.createDirectory(atPath: path, withIntermediateDirectories: true)
          let names = try files.subpathsOfDirectory(atPath: index).sorted()
          let sizes = try names.map { name in
            let attributes = try files.attributesOfItem(atPath: index + "/" + name)
            let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
            return isDirectory ? nil : attributes[.size] as? Int ?? 0
          }
          monitor.begin("copying", total: sizes.reduce(0) { $0 + ($1 ?? 0) })
          for (name, size) in zip(names, sizes) {
            if let size {
              try files.copyItem(atPath: index + "/" + name, toPath: path + "/" + name)
              try monitor.advance(by: size)
            } else {
              try files.createDirectory(
                atPath: path + "/" + name, withIntermediateDirectories: true)
            }
          }
        } catch let error as NeedletailError {
          throw error
        } catch {
          throw NeedletailError(
            .io,
            """
            The index cannot be copied to \(path): \(error.localizedDescription). Name a directory \
            with room in TMPDIR, or write to the index itself with --keep-writes.
            """, at: .init(path: index))
        }
      }
    }
  }
#endif
