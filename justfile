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

# Benchmarks of readers and of the steps after them
bench *filter:
    cargo bench --bench decode --bench steps -- {{filter}}

# Ingest beside DuckDB and Polars: CUCM, then Mitel, then many small files against a large one (PYTHON=… names a Python that has both)
bench-peers records="500000" rounds="5":
    ${PYTHON:-python3} benches/peers/run.py {{records}} {{rounds}}
    ${PYTHON:-python3} benches/peers/run.py --mitel {{records}} {{rounds}}
    ${PYTHON:-python3} benches/peers/run.py --small 10000 3

# Ten questions over legs beside DuckDB on the same files: of a workspace, or of 10 million records made for it
bench-queries *workspace:
    ${PYTHON:-python3} benches/questions/run.py {{workspace}}

# Licences, sources and advisories of everything that is built in (needs cargo-deny)
deny:
    cargo deny check

# The list of what is built in, as CycloneDX: target/onhook.cdx.json (needs cargo-cyclonedx)
sbom:
    cargo cyclonedx --format json --override-filename onhook.cdx

# An image with onhook in it
image:
    podman build -t onhook -f packaging/Containerfile .

# Whole-process times of every report: of a workspace, or of 20,000 extensions x 365 days made for it (half an hour, 10 GB)
bench-reports *workspace:
    ${PYTHON:-python3} benches/estate.py {{workspace}}

# Ingest and the ten questions at 1, 10 and 100 million records: docs/curves.csv and docs/curves.svg
bench-curve *records:
    ${PYTHON:-python3} benches/curve.py {{records}}

# Peak memory of ingest over a backlog of so many gigabytes in one run
bench-memory gigabytes="20":
    ${PYTHON:-python3} benches/memory.py {{gigabytes}}

# Bytes a record of each column of a table, and its encodings
bench-storage lake table="legs":
    ${PYTHON:-python3} benches/storage.py {{lake}} {{table}}

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
