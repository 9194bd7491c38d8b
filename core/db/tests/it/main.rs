//! Black-box tests of the durable layer.

mod smoke;
