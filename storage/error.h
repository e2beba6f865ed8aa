// SPDX-License-Identifier: AGPL-3.0-or-later
//
// How storage says that the world is broken. Nothing here is a user's fault; absence is an optional.
#pragma once

#include <stdexcept>
#include <string>

namespace amicale::storage {

// The disk, the folder or its content can't be trusted or used. The text names the file or the key.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A write was not confirmed by the disk: its outcome is unknown. Never tell anybody "not done".
// After `no_space` writing resumes by itself once there is room; after anything else the database
// accepts no write until it is opened again, because a disk that failed an fsync once may have
// dropped what it was given.
class WriteFailed : public Error {
 public:
  WriteFailed(const std::string& what, bool no_space) : Error(what), no_space_(no_space) {}
  bool no_space() const { return no_space_; }

 private:
  bool no_space_;
};

// The folder was written by a newer release. Nothing in it was touched.
class NewerFormat : public Error {
 public:
  using Error::Error;
};

// The folder holds less than what was acknowledged. Nothing in it was touched.
class AcknowledgedLost : public Error {
 public:
  using Error::Error;
};

// A View of what is in memory met something that is not: read it where waiting for the disk is no harm.
class NotInMemory : public std::exception {
 public:
  const char* what() const noexcept override { return "not in memory"; }
};

}  // namespace amicale::storage
