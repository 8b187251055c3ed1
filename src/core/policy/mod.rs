//! What the configuration allows: rules by project and kind, the validation of requests, automatic
//! approval, the approval guard, questions at the desk, limits on asking, coverage and calibration.

pub mod approval_guard;
pub mod ask_limits;
pub mod auto_approval;
pub mod calibration;
pub mod claims;
pub mod coverage;
pub mod desk;
pub mod grants;
pub mod names;
pub mod rules;
pub mod validation;
