# The words of CI and of a laptop. `just` lists them; each is one command that can also be typed.

_default:
    @just --list --unsorted

# Format and lints, as CI sees them
check:
    cargo fmt --check
    cargo clippy --release --all-targets -- -D warnings

# All tests; `just test tidy` only those whose name has `tidy` in it
test *filter:
    cargo test --release {{filter}}

# Write the generated texts anew; read the diff before you commit it
bless:
    ONHOOK_BLESS=1 cargo test --release --test tidy
    git diff --stat

# Benchmarks
bench *filter:
    cargo bench {{filter}}

# A fuzz target for ten minutes or five million runs (needs cargo-fuzz and a nightly toolchain)
fuzz target seconds="600":
    mkdir -p fuzz/corpus/{{target}}
    cargo +nightly fuzz run -s none {{target}} fuzz/corpus/{{target}} tests/fixtures -- -runs=5000000 -max_total_time={{seconds}}

# The crate's documentation, private items too; a broken link fails
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items

# The verdicts of 20,000 extensions over 400 days against their truth (ten minutes, 25 GB of disk)
full-estate:
    cargo test --release --test it -- --ignored --nocapture twenty_thousand

# Kills and power cuts at random moments, each followed by a comparison with a clean run (ten minutes)
soak rounds="200":
    ONHOOK_SOAK={{rounds}} cargo test --release --test it -- --ignored --nocapture faults::cuts::soak

# What CI runs
ci:
    .ci/run
