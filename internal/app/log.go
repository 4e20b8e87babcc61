package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/go-kratos/kratos/v2/log"
)

// kratosLogs receives what Kratos logs. Kratos has one logger per process, which must not be replaced while something may
// log: with several applications in a process it is the last one's, and is replaced behind Kratos' back.
var kratosLogs struct {
	once   sync.Once
	logger atomic.Pointer[slog.Logger]
}

// logKratos makes Kratos log to a logger.
func logKratos(logger *slog.Logger) {
	kratosLogs.logger.Store(logger)
	kratosLogs.once.Do(func() { log.SetLogger(kratosLogger{}) })
}

// kratosLogger gives what Kratos logs to slog.
type kratosLogger struct{}

// Log implements log.Logger.
func (kratosLogger) Log(level log.Level, keyvals ...any) error {
	message := ""
	attrs := make([]any, 0, len(keyvals))
	for i := 0; i+1 < len(keyvals); i += 2 {
		if key := fmt.Sprint(keyvals[i]); key != log.DefaultMessageKey {
			attrs = append(attrs, slog.Any(key, keyvals[i+1]))
			continue
		}
		message = fmt.Sprint(keyvals[i+1])
	}
	kratosLogs.logger.Load().Log(context.Background(), slogLevel(level), message, attrs...)
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
