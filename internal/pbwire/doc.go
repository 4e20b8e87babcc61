// Package pbwire reads and writes protobuf messages as wire bytes, without ever decoding them
// into objects.
//
// A [Projection] is compiled once from a message type and a [Selection] and then renders wire
// bytes as JSON, or trims them to wire bytes, any number of times. A [Parser] is its opposite: it
// turns JSON into wire bytes. Both agree with protojson on every input; where they differ, the
// difference is documented at the method.
package pbwire
