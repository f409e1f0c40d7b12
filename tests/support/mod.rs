//! What several tests share. Each test uses some of it.

#![allow(dead_code)]

pub mod client;
pub mod guest;
pub mod kernels;
pub mod scripted;
