//! What the fuzz targets share: the readers, built without the rest of the package, and the promise they are held to.
//! It finds nothing by itself; see `targets`.

#[path = "../../src"]
mod package {
    pub mod layout;
    pub mod leg;
    pub mod number;
    pub mod quality;
    pub mod read;
}

pub use package::{layout, leg, number, quality, read};

mod promise;
pub use promise::accounts_for_every_line;
