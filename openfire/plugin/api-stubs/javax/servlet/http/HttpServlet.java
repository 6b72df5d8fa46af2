package javax.servlet.http;

import java.io.IOException;
import javax.servlet.ServletException;

/** Stands for javax.servlet.http.HttpServlet: only what the plugin uses. */
public abstract class HttpServlet {
    protected void doGet(HttpServletRequest request, HttpServletResponse response) throws ServletException, IOException {
        throw new UnsupportedOperationException();
    }
}
