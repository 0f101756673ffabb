import Glibc

/// The C library's functions under names that do not hide Swift's.
func naturalLogarithm(_ x: Double) -> Double { Glibc.log(x) }
func exponential(_ x: Double) -> Double { Glibc.exp(x) }
