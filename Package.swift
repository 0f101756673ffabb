// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target: strict memory safety, warnings are errors.
let strict: [SwiftSetting] = [.strictMemorySafety(), .treatAllWarnings(as: .error)]

/// What may run in a signal handler is optimised in every configuration: at -Onone Swift calls
/// unspecialised generics and `swift_once`, which is not signal safe.  Whole-module, or a generic
/// of another file stays unspecialised; two threads, because SwiftPM's index store refuses the
/// single output of one (docs/workarounds.md).  Functions start at cache lines: where a hit of some
/// 70 bytes lies across three of them instead of two, it costs a tenth more.
let signalSafe: [SwiftSetting] =
  strict + [
    .unsafeFlags([
      "-O", "-wmo", "-num-threads", "2", "-enforce-exclusivity=unchecked",
      "-Xllvm", "-swiftmergefunc-threshold=1000000", "-Xllvm", "-align-all-functions=6",
      "-Xfrontend", "-disable-llvm-merge-functions-pass", "-Xcc", "-momit-leaf-frame-pointer",
    ])
  ]

let optimizedC: [CSetting] = [
  .unsafeFlags(["-O2", "-momit-leaf-frame-pointer", "-falign-functions=64", "-Wall", "-Wextra", "-Werror"])
]

let package = Package(
  name: "nolock",
  products: [
    .library(name: "Slab", targets: ["Slab"]),
    .executable(name: "nolock", targets: ["NolockCLI"]),
    .executable(name: "nolock-sample", targets: ["NolockSample"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.0.0"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    // The allocator.
    .systemLibrary(name: "CNolock", path: "Sources/CNolock/include"),
    .target(name: "CPlatform", cSettings: optimizedC),
    .target(name: "Slab", dependencies: ["CNolock", "CPlatform"], swiftSettings: signalSafe),

    // One sample: no Foundation.
    .systemLibrary(name: "CRecords", path: "Sources/CRecords/include"),
    .target(
      name: "Subjects", dependencies: ["CNolock", "CPlatform", "Slab"], swiftSettings: signalSafe),
    .target(name: "Counters", dependencies: ["CPlatform"], swiftSettings: signalSafe),
    .target(
      name: "Injection", dependencies: ["CPlatform", "CRecords"], swiftSettings: signalSafe),
    .target(
      name: "Workloads",
      dependencies: ["CNolock", "CPlatform", "CRecords", "Counters", "Injection", "Subjects"],
      swiftSettings: signalSafe),
    .target(
      name: "Atlas", dependencies: ["CNolock", "CPlatform", "Subjects"], swiftSettings: signalSafe),
    .executableTarget(
      name: "NolockSample",
      dependencies: ["Atlas", "CPlatform", "CRecords", "Subjects", "Workloads"],
      swiftSettings: signalSafe,
      linkerSettings: [.unsafeFlags(["-static-stdlib", "-Xlinker", "-z", "-Xlinker", "now"])]),

    // Names of counters: libpfm4's header at build time, its code at run time.
    .target(name: "CPfm", cSettings: optimizedC, linkerSettings: [.linkedLibrary("dl")]),
    .target(
      name: "Events", dependencies: ["CPfm", "CPlatform", "Counters"], swiftSettings: strict),

    // The suite.
    .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "Traces", dependencies: ["CRecords", "CZlib"], swiftSettings: strict),
    .target(name: "Statistics", swiftSettings: strict),
    .target(
      name: "Measurement",
      dependencies: [
        "CRecords", "Events", "Injection", "Statistics", "Traces",
        .product(name: "Yams", package: "Yams"),
      ], swiftSettings: strict),
    .target(name: "Reports", dependencies: ["Measurement"], swiftSettings: strict),
    .target(
      name: "Doctor",
      dependencies: ["CPlatform", "Counters", "Events", "Measurement", "Statistics", "Traces"],
      swiftSettings: strict),
    .target(name: "Revisions", dependencies: ["Measurement"], swiftSettings: strict),
    .executableTarget(
      name: "NolockCLI",
      dependencies: [
        "Doctor", "Events", "Measurement", "Reports", "Revisions", "Statistics", "Traces",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),

    .testTarget(
      name: "EventsTests", dependencies: ["Events", "Counters", "CPlatform"],
      swiftSettings: strict),
    .testTarget(
      name: "DoctorTests", dependencies: ["Doctor", "Measurement", "Events"],
      swiftSettings: strict),
    .target(
      name: "TestSupport", path: "Tests/TestSupport", exclude: ["Fixtures"], swiftSettings: strict),
    .target(
      name: "CSweep", dependencies: ["CPlatform"], path: "Tests/CSweep", cSettings: optimizedC),
    // Interrupts every state at every boundary; a process of its own, because it forks.
    .executableTarget(
      name: "sweep", dependencies: ["Atlas", "CNolock", "CPlatform", "CSweep", "Subjects"],
      path: "Tests/Sweep", swiftSettings: signalSafe,
      linkerSettings: [.unsafeFlags(["-Xlinker", "-z", "-Xlinker", "now"])]),
    .testTarget(
      name: "SlabTests",
      dependencies: ["Slab", "CNolock", "CPlatform", "CSweep", "TestSupport", "sweep"],
      exclude: ["Fixtures"], swiftSettings: strict),
    .testTarget(
      name: "WorkloadsTests",
      dependencies: [
        "TestSupport", "Workloads", "Subjects", "Injection", "Counters", "CRecords", "CNolock",
      ],
      swiftSettings: strict),
    .testTarget(name: "TracesTests", dependencies: ["Traces", "CRecords"], swiftSettings: strict),
    .testTarget(
      name: "StatisticsTests",
      dependencies: [
        "Statistics", "TestSupport",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ], swiftSettings: strict),
    .testTarget(
      name: "MeasurementTests", dependencies: ["Measurement", "CRecords"], swiftSettings: strict),
    .testTarget(
      name: "ReportsTests", dependencies: ["Reports", "Measurement", "TestSupport"],
      swiftSettings: strict),
    .executableTarget(name: "confined", path: "Tests/CConfined", cSettings: optimizedC),
    .testTarget(
      name: "RevisionsTests", dependencies: ["Revisions", "Measurement"], swiftSettings: strict),
    .testTarget(
      name: "NolockCLITests",
      dependencies: ["CRecords", "NolockCLI", "Measurement", "TestSupport", "Traces", "confined"],
      swiftSettings: strict),
  ]
)
