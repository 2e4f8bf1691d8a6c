//! The command `ttlab`: parses its arguments, does what they say, and turns the result into an exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    ttlab::cli::main()
}
