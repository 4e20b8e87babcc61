package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/go-kratos/kratos/v2/log"
)

// kratosLogger gives what Kratos logs to slog.
type kratosLogger struct{ slog *slog.Logger }

// Log implements log.Logger.
func (l kratosLogger) Log(level log.Level, keyvals ...any) error {
	message := ""
	attrs := make([]any, 0, len(keyvals))
	for i := 0; i+1 < len(keyvals); i += 2 {
		if key := fmt.Sprint(keyvals[i]); key != log.DefaultMessageKey {
			attrs = append(attrs, slog.Any(key, keyvals[i+1]))
			continue
		}
		message = fmt.Sprint(keyvals[i+1])
	}
	l.slog.Log(context.Background(), slogLevel(level), message, attrs...)
	return nil
}

func slogLevel(level log.Level) slog.Level {
	switch level {
	case log.LevelDebug:
		return slog.LevelDebug
	case log.LevelInfo:
		return slog.LevelInfo
	case log.LevelWarn:
		return slog.LevelWarn
	default:
		return slog.LevelError
	}
}
