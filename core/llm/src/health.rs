//! Whether hosts are well, asked all at once within two seconds (R10).

pub(crate) mod look;

use std::sync::mpsc;
use std::time::Duration;

use conclave_retry::CancelToken;

use self::look::{Looked, Looking, PATIENCE};
use crate::call::with_limits_of_check as CHECK_LIMIT;
use crate::class::Class;
use crate::client::Client;

