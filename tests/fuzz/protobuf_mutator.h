// SPDX-License-Identifier: AGPL-3.0-or-later
//
// Changes a protobuf message by its reflection, so that what a fuzzer tries is mostly a message: bytes changed at random stop at
// the parser nearly always. Values are drawn from what rules decide upon: small ids, enum values and their neighbours, ends of
// ranges, and texts that are long, empty or no text.
#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace amicale::fuzz {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using Random = std::minstd_rand;

inline std::uint64_t some_number(Random& random) {
  switch (random() % 8) {
    case 0: return std::numeric_limits<std::uint64_t>::max() - random() % 2;
    case 1: return std::uint64_t{1} << random() % 64;
    case 2: return (1 + random() % 6) << 32 | (1 + random() % 6);  // a direct conversation
    default: return random() % 8;
  }
}

inline std::string some_text(const FieldDescriptor& field, Random& random) {
  static const std::vector<std::string> words = {
      "",       "a",        "club-1", "person1", "bonjour", "👍", " ", std::string(1, '\0'),
      "\u202e", "\xff\xfe", "a\nb"};
  if (field.name() == "client_msg_id") {
    return random() % 8 != 0 ? std::string(15, 'i') + static_cast<char>(random() % 16)
                             : words[random() % words.size()];
  }
  std::string text = words[random() % words.size()];
  for (auto times = random() % 16; times > 12; --times) text += text + 'x';
  if (random() % 64 == 0) text.append(random() % 20'000, 'x');
  return text;
}

// Sets, or adds to, one field.
inline void change_field(Message& message, const FieldDescriptor& field, Random& random) {
  const auto& access = *message.GetReflection();
  const bool list = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_UINT32: {
      const auto value = static_cast<std::uint32_t>(some_number(random));
      list ? access.AddUInt32(&message, &field, value) : access.SetUInt32(&message, &field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_UINT64: {
      const auto value = some_number(random);
      list ? access.AddUInt64(&message, &field, value) : access.SetUInt64(&message, &field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_INT64: {
      const auto value = static_cast<std::int64_t>(some_number(random));
      list ? access.AddInt64(&message, &field, value) : access.SetInt64(&message, &field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_BOOL: {
      const bool value = random() % 2 == 0;
      list ? access.AddBool(&message, &field, value) : access.SetBool(&message, &field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_DOUBLE: {
      const auto value = static_cast<double>(some_number(random));
      list ? access.AddDouble(&message, &field, value) : access.SetDouble(&message, &field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_ENUM: {
      const int value = static_cast<int>(random() % (field.enum_type()->value_count() + 2)) - 1;
      list ? access.AddEnumValue(&message, &field, value)
           : access.SetEnumValue(&message, &field, value);
      break;
    }
    case FieldDescriptor::CPPTYPE_STRING: {
      auto value = some_text(field, random);
      list ? access.AddString(&message, &field, std::move(value))
           : access.SetString(&message, &field, std::move(value));
      break;
    }
    default: break;
  }
}

// One change, somewhere: a field set, cleared or added to; deeper with some chance.
inline void mutate(Message& message, Random& random, int depth = 0) {
  const auto& descriptor = *message.GetDescriptor();
  if (descriptor.field_count() == 0 || depth > 6) return;
  const auto& access = *message.GetReflection();
  std::vector<const FieldDescriptor*> set;
  access.ListFields(message, &set);
  // What is there is changed more often than what is not.
  const auto count = static_cast<unsigned>(descriptor.field_count());
  const FieldDescriptor& field = !set.empty() && random() % 4 != 0
                                     ? *set[random() % set.size()]
                                     : *descriptor.field(static_cast<int>(random() % count));
  if (random() % 10 == 0) return access.ClearField(&message, &field);
  if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
    return change_field(message, field, random);
  }
  if (!field.is_repeated()) {
    return mutate(*access.MutableMessage(&message, &field), random, depth + 1);
  }
  const int size = access.FieldSize(message, &field);
  const bool adds = size == 0 || (size < 20 && random() % 3 == 0);
  mutate(adds ? *access.AddMessage(&message, &field)
              : *access.MutableRepeatedMessage(
                    &message, &field, static_cast<int>(random() % static_cast<unsigned>(size))),
         random, depth + 1);
}

}  // namespace amicale::fuzz
