[package]
name = "provisioning-core"
edition = "v0.11.2"
version = "1.0.0"
description = "Schemas that every extension of the platform builds on"
