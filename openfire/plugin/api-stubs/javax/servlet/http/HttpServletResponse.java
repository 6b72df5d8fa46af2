package javax.servlet.http;

import java.io.IOException;
import java.io.PrintWriter;

/** Stands for javax.servlet.http.HttpServletResponse: only what the plugin uses. */
public interface HttpServletResponse {
    void setContentType(String type);

    PrintWriter getWriter() throws IOException;
}
