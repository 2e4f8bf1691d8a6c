//! Every object of the class has the same size.
//!
//! For laws and boundary cases, and for images that are stored in slots of a fixed size.
//!
//! ```toml
//! size = { model = "constant", value = "20KiB" }
//! ```

use super::SizeModel;
use crate::catalog::{Invalid, Param, Plugin};
use crate::random::Stream;
use crate::trace::synth::Setup;
use crate::units::ByteSize;

/// The model; see the page above.
#[derive(Debug)]
pub struct Constant {
    bytes: u32,
}

/// Parameters of [`Constant`].
#[derive(Debug, serde::Deserialize, serde::Serialize)]
pub struct Params {
    /// The size, 1 byte to 512 MiB.
    pub value: ByteSize,
}

impl Plugin for Constant {
    const NAME: &'static str = "constant";
    const SUMMARY: &'static str = "Every object of the class has the same size.";
    const PARAMS: &'static [Param] = &[
        // Redis refuses longer strings (proto-max-bulk-len).
        Param::size("value", "The size of every object.").required().from("1B").to("512MiB"),
    ];
    type Params = Params;
    type Setup = Setup;

    fn new(params: &Params, _: &Setup) -> Result<Self, Invalid> {
        let bytes = u32::try_from(params.value.as_bytes())
            .map_err(|_| Invalid::param("value", "an object is at most 512MiB large"))?;
        Ok(Self { bytes })
    }
}

impl SizeModel for Constant {
    fn draw(&self, _: &mut Stream) -> u32 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seed;

    #[test]
    fn the_size_is_the_value() {
        let model =
            Constant::new(&Params { value: ByteSize::from_bytes(20_480) }, &Setup::default()).unwrap();
        assert_eq!(model.draw(&mut Seed::new(1).stream()), 20_480);
    }
}
